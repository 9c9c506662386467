//! Notes of calls as messages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::DESCRIPTOR;
use crate::channels::{Call, Channel, ChannelError, Class, Client, Context, MemorySecrets, Message, ThreadRef};
use crate::clock::Clock;
use crate::model::{ClaimKind, Direction, MessageKind, ThreadKind, Timestamp};

const NOW: Timestamp = Timestamp(1_772_442_845_000);

fn telephone(number: &str) -> Result<Arc<dyn Channel>, ChannelError> {
    (DESCRIPTOR.connect)(Context {
        client: Client::new(false).unwrap(),
        clock: Clock::manual(NOW),
        settings: json!({"number": number, "country": "+31", "language": "nl"}),
        secrets: Arc::new(MemorySecrets::default()),
        history: Duration::ZERO,
    })
}

fn call(key: &str, number: Option<&str>) -> Call {
    Call {
        key: key.to_owned(),
        outbound: false,
        number: number.map(str::to_owned),
        name: Some("Noor".to_owned()),
        notes: "Wil weten waar haar pakket blijft.".to_owned(),
        outcome: Some("teruggebeld worden".to_owned()),
        at: NOW,
        call_back_at: Some(Timestamp(NOW.0 + 3_600_000)),
        taken_by: "Sanne".to_owned(),
    }
}

fn note(number: Option<&str>) -> Message {
    telephone("020 123 4567").unwrap().calls().unwrap().note(&call("k", number)).unwrap()
}

#[test]
fn a_call_stands_under_its_number_however_it_was_written() {
    let one = note(Some("06-1234 5678"));
    let two = note(Some("+31 6 12345678"));
    assert_eq!(one, two);
    assert_eq!(
        (one.thread.external_id.as_str(), one.thread.kind, one.kind),
        ("+31612345678", ThreadKind::Call, MessageKind::Call)
    );
    assert_eq!((one.direction, one.sent_at, one.due_at), (Direction::In, NOW, Some(Timestamp(NOW.0 + 3_600_000))));
    assert_eq!((one.author.name.as_str(), one.author.handle.as_str()), ("Noor", "+31612345678"));
    let claim = &one.author.claims[0];
    assert_eq!((claim.kind, claim.value.as_str(), claim.verified), (ClaimKind::Phone, "+31612345678", false));
    let fields: Vec<_> = one.fields.iter().map(|field| (field.label.as_str(), field.value.as_str())).collect();
    assert_eq!(fields, [("Gesprek", "zij belden"), ("Gevoerd door", "Sanne"), ("Uitkomst", "teruggebeld worden")]);
}

#[test]
fn who_withholds_the_number_is_nobody_we_have_met() {
    let phone = telephone("020 123 4567").unwrap();
    let one = phone.calls().unwrap().note(&call("a", None)).unwrap();
    let two = phone.calls().unwrap().note(&call("b", None)).unwrap();
    assert_ne!(one.author.external_id, two.author.external_id);
    assert!(one.author.claims.is_empty());
    assert_eq!(phone.allowance(&one.thread, &json!({})).hand_off.unwrap().url, None);
}

#[test]
fn what_is_no_number_is_refused() {
    for number in ["bel me", "112", "+31 6 1234 5678 toestel 4"] {
        let phone = telephone("020 123 4567").unwrap();
        let error = phone.calls().unwrap().note(&call("k", Some(number))).unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (Class::Rejected, "call.number"));
        let Err(error) = telephone(number) else { panic!("{number}") };
        assert_eq!(error.code, "call.number");
    }
}

#[tokio::test]
async fn one_answers_by_calling() {
    let phone = telephone("+31 (0)20 123 4567").unwrap();
    assert_eq!(phone.probe().await.unwrap().handle, "+31201234567");
    let thread = ThreadRef { external_id: "+31612345678".to_owned(), ..ThreadRef::default() };
    let allowance = phone.allowance(&thread, &json!({}));
    assert!(!allowance.may_reply && phone.reply().is_none() && phone.pull().is_none());
    assert_eq!(allowance.hand_off.unwrap().url.as_deref(), Some("tel:+31612345678"));
}
