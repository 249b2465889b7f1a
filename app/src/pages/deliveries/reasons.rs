//! Why deliveries were set aside or given up, and a button for each reason: who has mended one, retries those it held up.

use super::Changes;
use crate::components::{Icon, PostForm, icon};
use crate::text::figures::capped;
use leptos::prelude::*;
use model::delivery::{DeliveryHealth, DeliveryReason};

/// Every reason of a connection.
pub(super) fn reasons(line: &DeliveryHealth, back: &str, changes: Changes) -> AnyView {
    let items = line.reasons.iter().map(|reason| item(line, reason, back.to_owned(), changes)).collect_view();
    view! { <ul class="reasons" aria-label=format!("Why {} does not get some events", line.name)>{items}</ul> }
        .into_any()
}

fn item(line: &DeliveryHealth, of: &DeliveryReason, back: String, changes: Changes) -> AnyView {
    let figures = figures(of);
    let (id, reason) = (line.id.to_string(), of.reason.clone());
    let label = format!("Retry these of {}, {figures}: {}", line.name, of.reason);
    view! {
        <li>
            <span>{reason.clone()}</span>
            <span class="quiet">{figures}</span>
            <PostForm action=changes.retry_reason attr:class="inline">
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="reason" value=reason/>
                <input type="hidden" name="back" value=back/>
                <button type="submit" class="button small" aria-label=label>{icon(Icon::Refresh)} "Retry these"</button>
            </PostForm>
        </li>
    }
    .into_any()
}

/// `3 set aside, 12 parked`; what there is none of is left out.
fn figures(of: &DeliveryReason) -> String {
    let some = |n: i64, word: &str| (n > 0).then(|| format!("{} {word}", capped(n)));
    let both = [some(of.deferred, "set aside"), some(of.parked, "parked")];
    both.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_leave_out_what_there_is_none_of() {
        let of = |deferred, parked| figures(&DeliveryReason { reason: String::new(), deferred, parked });
        assert_eq!(
            (of(3, 0), of(0, 2), of(1, 2)),
            ("3 set aside".into(), "2 parked".into(), "1 set aside, 2 parked".into())
        );
    }
}
