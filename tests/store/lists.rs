//! Lists come in pages that miss and repeat nothing.

use hatd::hat::{Affiliation, Attachment};
use hatd::jid::{RoomJid, UserJid};
use hatd::store::{DocumentFilter, Page, PageLimit};

use super::conformance;
use crate::support::commands::*;
use crate::support::harness::Harness;
use crate::support::reads;

conformance! {
    a_page_ends_at_its_items,
    a_page_ends_before_its_bytes_but_has_one_item,
    a_page_goes_on_after_a_key_that_is_gone,
    rooms_are_listed_by_domain_and_local_part,
    filters_leave_out_what_does_not_match,
    a_filter_that_leaves_nothing_ends_the_page_in_time,
    lists_of_the_unknown_are_empty,
}

const ALL: PageLimit = PageLimit { items: usize::MAX, bytes: usize::MAX };

fn keys<V>(page: &Page<UserJid, V>) -> Vec<UserJid> {
    page.items.iter().map(|(user, _)| user.clone()).collect()
}

async fn page(
    h: &Harness,
    after: Option<&str>,
    limit: PageLimit,
) -> Page<UserJid, hatd::hat::Document> {
    let after = after.map(user);
    let read = h.store().documents(&room(DEN), &DocumentFilter::HATS, after.as_ref(), limit).await;
    read.unwrap().1
}

async fn wearers(h: &Harness, names: &[&str]) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(set_wearers("a", names)).await;
}

async fn a_page_ends_at_its_items(h: &mut Harness) {
    wearers(h, &["a", "b", "c"]).await;
    let first = page(h, None, PageLimit { items: 2, ..ALL }).await;
    assert_eq!((keys(&first), first.next), (vec![user("a"), user("b")], Some(user("b"))));
    let last = page(h, Some("b"), PageLimit { items: 2, ..ALL }).await;
    assert_eq!((keys(&last), last.next), (vec![user("c")], None));
    let exact = page(h, None, PageLimit { items: 3, ..ALL }).await;
    assert_eq!((exact.items.len(), exact.next), (3, None), "nothing more, so no next page");
}

async fn a_page_ends_before_its_bytes_but_has_one_item(h: &mut Harness) {
    wearers(h, &["a", "b", "c"]).await;
    let titled = Attachment { title: Some(title(&"x".repeat(256))), ..active() };
    h.ok(add(in_den("b"), "a", titled)).await;
    for bytes in (0..3000).step_by(37) {
        let limit = PageLimit { items: 10, bytes };
        let first = page(h, None, limit).await;
        assert!(!first.items.is_empty(), "one at least, with {bytes}");
        let mut seen = keys(&first);
        let mut next = first.next;
        while let Some(after) = next {
            let page = page(h, Some(after.as_str()), limit).await;
            assert!(!page.items.is_empty());
            seen.extend(keys(&page));
            next = page.next;
        }
        assert_eq!(seen, [user("a"), user("b"), user("c")], "with {bytes}");
    }
    let all = page(h, None, PageLimit { bytes: 3000, ..ALL }).await;
    assert_eq!((all.items.len(), all.next), (3, None));
}

async fn a_page_goes_on_after_a_key_that_is_gone(h: &mut Harness) {
    wearers(h, &["a", "b", "c", "d"]).await;
    h.ok(forget("b")).await;
    assert_eq!(keys(&page(h, Some("b"), ALL).await), [user("c"), user("d")]);
    assert_eq!(keys(&page(h, Some("bb"), ALL).await), [user("c"), user("d")]);
    assert_eq!(keys(&page(h, Some("z"), ALL).await), []);
}

async fn rooms_are_listed_by_domain_and_local_part(h: &mut Harness) {
    for jid in ["b@a.example", "a@b.example", "z@a.example", "a@a.example.org", "a@a"] {
        h.ok(put_room(jid)).await;
    }
    let names = |rooms: Vec<(RoomJid, _)>| -> Vec<String> {
        rooms.into_iter().map(|(room, _): (RoomJid, hatd::hat::Room)| room.to_string()).collect()
    };
    let all = ["a@a", "b@a.example", "z@a.example", "a@a.example.org", "a@b.example"];
    assert_eq!(names(reads::rooms(h.store(), None).await), all);
    let of_a = names(reads::rooms(h.store(), Some("a.example")).await);
    assert_eq!(of_a, ["b@a.example", "z@a.example"]);
    assert!(reads::rooms(h.store(), Some("example")).await.is_empty());
}

async fn filters_leave_out_what_does_not_match(h: &mut Harness) {
    h.ok(put_room_as(DEN, for_anyone())).await;
    h.ok(affiliate(in_den("member"), Affiliation::Member)).await;
    h.ok(affiliate(in_den("outcast"), Affiliation::Outcast)).await;
    h.ok(set(in_den("worn"), &[("a", active()), ("b", inactive())], "")).await;
    h.ok(set(in_den("idle"), &[("a", inactive())], "")).await;
    let listed = async |filter: DocumentFilter| {
        let documents = reads::documents(h.store(), &room(DEN), &filter).await;
        documents.into_iter().map(|(user, _)| user).collect::<Vec<_>>()
    };
    let hats = |hat_id: Option<&str>, active_only| DocumentFilter::Hats {
        hat_id: hat_id.map(hat),
        active_only,
    };
    assert_eq!(listed(DocumentFilter::Affiliated).await, [user("member"), user("outcast")]);
    assert_eq!(listed(DocumentFilter::HATS).await, [user("idle"), user("worn")]);
    assert_eq!(listed(hats(None, true)).await, [user("worn")]);
    assert_eq!(listed(hats(Some("a"), false)).await, [user("idle"), user("worn")]);
    assert_eq!(listed(hats(Some("a"), true)).await, [user("worn")]);
    assert_eq!(listed(hats(Some("b"), true)).await, []);
    assert!(reads::documents_of(h.store(), &user("member")).await.is_empty());
}

async fn a_filter_that_leaves_nothing_ends_the_page_in_time(h: &mut Harness) {
    h.large = true;
    // One more than a page looks at, so that the last user is on the second.
    let names: Vec<_> = (0..10_001).map(|n| format!("u{n:05}")).collect();
    let listed = |names: &[String]| {
        let names: Vec<_> = names.iter().map(|name| (name.as_str(), Affiliation::Member)).collect();
        upsert(DEN, &names)
    };
    h.ok(sync(vec![listed(&names[..10_000]), listed(&names[10_000..])], 0)).await;
    h.ok(give("u10000", "a")).await;
    let first = page(h, None, PageLimit { items: 1, ..ALL }).await;
    assert!(first.items.is_empty());
    let next = first.next.expect("there is more");
    let second = page(h, Some(next.as_str()), PageLimit { items: 1, ..ALL }).await;
    assert_eq!((keys(&second), second.next), (vec![user("u10000")], None));
}

async fn lists_of_the_unknown_are_empty(h: &mut Harness) {
    let store = h.store();
    let (state, page) =
        store.documents(&room(DEN), &DocumentFilter::HATS, None, ALL).await.unwrap();
    assert_eq!((state, page.items.len(), page.next), (None, 0, None));
    let (state, page) = store.definitions(&room(DEN), None, ALL).await.unwrap();
    assert_eq!((state, page.items.len(), page.next), (None, 0, None));
    let page = store.documents_of(&user("ann"), None, ALL).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
    assert_eq!(store.room(&room(DEN)).await.unwrap(), None);
}
