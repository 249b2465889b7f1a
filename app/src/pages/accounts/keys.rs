//! What to enter in an agent, and the explicit way to see a secret key.

use super::LIST;
use crate::api::accounts::{AgentSettings, RevealSecret, read_agent_settings};
use crate::components::{CopyButton, CopyRow, Dialog, Done, Icon, Loading, PostForm, Problem, icon, id_of, loaded};
use crate::site::at;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

/// The dialog at `<id>/keys`.
#[component]
pub fn KeysDialog() -> impl IntoView {
    let params = use_params_map();
    let reveal = ServerAction::<RevealSecret>::new();
    let settings =
        Resource::new(move || (params.with(id_of), reveal.version().get()), |(id, _)| read_agent_settings(id));
    let error = Signal::derive(move || reveal.value().get().and_then(Result::err));
    view! {
        <Title text="Agent settings"/>
        <Dialog title="Agent settings" close=LIST size="wide">
            <div class="dialog-body stack">
                <Done messages=&[("added", "Account added. Copy its keys now: later the secret is shown only on request.")]/>
                <Problem error=error/>
                <Transition fallback=Loading>
                    {move || Suspend::new(async move { loaded(settings.await, |s| panel(s, reveal)) })}
                </Transition>
            </div>
            <footer class="dialog-foot">
                <span class="grow"></span>
                <a class="button primary" href=at(LIST) data-noscroll="">"Done"</a>
            </footer>
        </Dialog>
    }
    .into_any()
}

fn panel(settings: AgentSettings, reveal: ServerAction<RevealSecret>) -> AnyView {
    let (uri, loopback) = (settings.uri(), settings.is_local());
    let AgentSettings { account, secret_key, .. } = settings;
    let any_directory = account.directory == "*";
    let directory = if any_directory { "camera-1".to_owned() } else { account.directory.clone() };
    let secret = match &secret_key {
        Some(secret) => view! { <CopyRow label="Secret key" value=Signal::stored(secret.clone())/> }.into_any(),
        None => hidden_secret(account.id, reveal),
    };
    let block = {
        let (provider, access, directory) = (account.provider.clone(), account.access_key.clone(), directory.clone());
        let secret = secret_key.clone().unwrap_or_else(|| "<reveal the secret key>".into());
        format!(
            "AGENT_CLOUD=kstorage\nAGENT_KERBEROSVAULT_URI={uri}\nAGENT_KERBEROSVAULT_PROVIDER={provider}\nAGENT_KERBEROSVAULT_DIRECTORY={directory}\nAGENT_KERBEROSVAULT_ACCESS_KEY={access}\nAGENT_KERBEROSVAULT_SECRET_KEY={secret}"
        )
    };
    view! {
        <p>"Enter these in the agent under Persistence, Kerberos Vault, and in Kerberos Hub under Subscription."</p>
        <dl class="copy-rows">
            <CopyRow label="Vault URI" value=Signal::stored(uri)/>
            <CopyRow label="Provider" value=Signal::stored(account.provider)/>
            <CopyRow label="Directory" value=Signal::stored(directory)/>
            <CopyRow label="Access key" value=Signal::stored(account.access_key)/>
            {secret}
        </dl>
        {loopback
            .then(|| {
                view! {
                    <p class="field-help">
                        "Only agents on this machine reach that address. For others, let the vault listen on the network ("
                        <code>"server.listen"</code> ") and set " <code>"server.public_url"</code> "."
                    </p>
                }
            })}
        {any_directory
            .then(|| {
                view! {
                    <p class="field-help">
                        "This account takes the directory each agent names; camera-1 is an example. Hub users enter their Hub user name."
                    </p>
                }
            })}
        <div class="section-head">
            <h3>"As environment of an agent"</h3>
            <CopyButton text=Signal::stored(block.clone()) what="environment"/>
        </div>
        <pre class="block mono" tabindex="0">{block}</pre>
    }
    .into_any()
}

fn hidden_secret(id: i64, reveal: ServerAction<RevealSecret>) -> AnyView {
    view! {
        <div class="copy-row">
            <dt>"Secret key"</dt>
            <dd>
                <code class="mono">"••••••••••••••••"</code>
                <PostForm action=reveal>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button type="submit" class="button small" title="The audit log says who did">
                        {icon(Icon::Eye)}
                        "Reveal secret"
                    </button>
                </PostForm>
            </dd>
        </div>
    }
    .into_any()
}
