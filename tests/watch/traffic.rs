//! Writes of all kinds, drawn from a seed.

#![expect(clippy::print_stdout, reason = "what a failure is seen again by, and what was measured")]

use hatd_client::{Client, pb};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

const ROOMS: [&str; 4] = [
    "a@conference.localhost",
    "b@conference.localhost",
    "c@conference.example",
    "d@conference.example",
];
const USERS: [&str; 4] = ["ada@localhost", "bob@localhost", "cy@localhost", "di@localhost"];
const HATS: [&str; 4] = ["urn:hat:1", "urn:hat:2", "http://hats.example/#3", "urn:hat:4"];

/// Where the sentinel is put: a commit there says that all writes before it are done.
pub(crate) const SENTINEL_ROOM: &str = "end@conference.localhost";

/// A seed from the environment, to see a failure again, or a new one; printed in any case.
pub(crate) fn seed() -> u64 {
    let seed = match std::env::var("HATD_TEST_SEED") {
        Ok(seed) => seed.parse().expect("HATD_TEST_SEED is a number"),
        Err(_) => rand::random(),
    };
    println!("HATD_TEST_SEED={seed}");
    seed
}

/// Makes writes from several callers at once. Many are refused, and many change nothing.
pub(crate) async fn write(client: &Client, seed: u64, callers: u64, writes: usize) {
    let callers = (0..callers).map(|caller| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed.wrapping_add(caller));
            for _ in 0..writes {
                write_one(&client, &mut rng).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// Says that the writes have ended. Answers the revision of the commit that says it.
pub(crate) async fn write_sentinel(client: &Client) -> u64 {
    let request = pb::PutRoomRequest { room_jid: SENTINEL_ROOM.to_owned(), ..Default::default() };
    let answer = client.put_room(request).await.unwrap();
    assert!(answer.changed);
    answer.revision
}

/// Makes all rooms, so that few writes are refused from the start.
pub(crate) async fn prepare(client: &Client) {
    for room_jid in ROOMS {
        let request = pb::PutRoomRequest { room_jid: room_jid.to_owned(), ..Default::default() };
        client.put_room(request).await.unwrap();
        for user in USERS {
            let _ = affiliate(client, room_jid, user, pb::Affiliation::Member).await;
        }
    }
}

async fn affiliate(
    client: &Client,
    room_jid: &str,
    user_jid: &str,
    affiliation: pb::Affiliation,
) -> Result<pb::SetAffiliationResponse, hatd_client::Error> {
    let request = pb::SetAffiliationRequest {
        room_jid: room_jid.to_owned(),
        user_jid: user_jid.to_owned(),
        affiliation: affiliation.into(),
        ..Default::default()
    };
    client.set_affiliation(request).await
}

async fn write_one(client: &Client, rng: &mut StdRng) {
    let room_jid = (*ROOMS.choose(rng).unwrap()).to_owned();
    let user_jid = (*USERS.choose(rng).unwrap()).to_owned();
    let hat_id = (*HATS.choose(rng).unwrap()).to_owned();
    let attachment = pb::Attachment {
        active: rng.random(),
        required: rng.random_ratio(1, 4),
        title: "x".repeat(rng.random_range(0..3)),
        ..Default::default()
    };
    // A refusal is an answer like any other here: what counts is what watches make of the rest.
    match rng.random_range(0..100) {
        0..40 => {
            let attachment = Some(attachment);
            let request = pb::AddUserHatRequest {
                room_jid,
                user_jid,
                hat_id,
                attachment,
                ..Default::default()
            };
            let _ = client.add_user_hat(request).await;
        }
        40..60 => {
            let request =
                pb::RemoveUserHatRequest { room_jid, user_jid, hat_id, ..Default::default() };
            let _ = client.remove_user_hat(request).await;
        }
        60..68 => {
            let hats = HATS.iter().filter(|_| rng.random());
            let hats = hats.map(|hat| ((*hat).to_owned(), attachment.clone())).collect();
            let request = pb::SetUserHatsRequest { room_jid, user_jid, hats, ..Default::default() };
            let _ = client.set_user_hats(request).await;
        }
        68..74 => {
            let users = USERS.iter().filter(|_| rng.random());
            let request = pb::SetHatWearersRequest {
                room_jid,
                hat_id,
                user_jids: users.map(|user| (*user).to_owned()).collect(),
                attachment: Some(attachment),
                ..Default::default()
            };
            let _ = client.set_hat_wearers(request).await;
        }
        74..82 => {
            let request = pb::WearHatRequest { room_jid, user_jid, hat_id, ..Default::default() };
            let _ = client.wear_hat(request).await;
        }
        82..90 => {
            let affiliations = [
                pb::Affiliation::Member,
                pb::Affiliation::Admin,
                pb::Affiliation::None,
                pb::Affiliation::Outcast,
            ];
            let affiliation = *affiliations.choose(rng).unwrap();
            let _ = affiliate(client, &room_jid, &user_jid, affiliation).await;
        }
        90..94 => {
            let definition = pb::HatDefinition {
                hat_id,
                title: "x".repeat(rng.random_range(1..3)),
                ..Default::default()
            };
            let request = pb::DefineHatRequest {
                room_jid,
                definition: Some(definition),
                ..Default::default()
            };
            let _ = client.define_hat(request).await;
        }
        94..96 => {
            let request = pb::DestroyHatRequest { room_jid, hat_id, ..Default::default() };
            let _ = client.destroy_hat(request).await;
        }
        96 => {
            let request = pb::DeleteRoomRequest { room_jid, ..Default::default() };
            let _ = client.delete_room(request).await;
        }
        _ => {
            let request = pb::PutRoomRequest { room_jid: room_jid.clone(), ..Default::default() };
            let _ = client.put_room(request).await;
            let _ = affiliate(client, &room_jid, &user_jid, pb::Affiliation::Member).await;
        }
    }
}
