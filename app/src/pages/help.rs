//! How to connect an agent, and where to read on.

use crate::components::{Icon, PageHead, icon};
use crate::site::at;
use leptos::prelude::*;

/// Steps and links.
#[component]
pub fn HelpPage() -> impl IntoView {
    view! {
        <PageHead title="Documentation" about="From an empty vault to the first recording."/>
        <div class="columns help">
            <section class="card prose">
                <h2>"Connect an agent"</h2>
                <ol>
                    <li>
                        "Add a " <a href=at("/providers/new")>"storage provider"</a>
                        ": a folder or a bucket. Press Validate; it tries every step and says what is missing."
                    </li>
                    <li>"Add an " <a href=at("/accounts/new")>"account"</a> " that uses it. Its keys are made for you."</li>
                    <li>
                        "The next page shows what to enter in the agent: the vault's address ending in " <code>"/api"</code>
                        ", provider, directory and both keys, each with a copy button."
                    </li>
                    <li>
                        "In the agent, choose " <strong>"Kerberos Vault"</strong>
                        " under Persistence, enter these and press Verify connection."
                    </li>
                    <li>
                        "The camera appears in " <a href=at("/cameras")>"Cameras"</a> " within seconds, its first recording in "
                        <a href=at("/media")>"Media"</a> "."
                    </li>
                </ol>
                <h2>"The directory"</h2>
                <p>
                    "An account with a fixed directory keeps all its recordings there. With " <code>"*"</code>
                    " each agent names its own; Hub users give their Hub user name."
                </p>
                <h2>"Tell other systems"</h2>
                <p>
                    "An " <a href=at("/integrations/new")>"integration"</a>
                    " gets one event for each recording of the accounts that tick it, at least once, in order per camera. What cannot be delivered is tried again for a day at least, then parked with the reason until you retry."
                </p>
            </section>
            <section class="card prose">
                <h2>"For programs"</h2>
                <p>"Everything agents, the Hub and scripts can do is described with examples."</p>
                <p>
                    <a class="button" href=at("/swagger/index.html") rel="external">{icon(Icon::Swagger)} "Open Swagger"</a>
                </p>
                <h2>"Keyboard"</h2>
                <dl class="keys">
                    <div><dt><kbd>"/"</kbd></dt><dd>"Search or filter"</dd></div>
                    <div><dt><kbd>"n"</kbd></dt><dd>"Add"</dd></div>
                    <div><dt><kbd>"Esc"</kbd></dt><dd>"Close a dialog"</dd></div>
                </dl>
            </section>
        </div>
    }
    .into_any()
}
