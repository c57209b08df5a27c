//! Makes a room, lets a user in, gives the user a hat, and reads it back.
//!
//! `cargo run --example quick_start -- http://127.0.0.1:50051`

#![expect(clippy::print_stdout, reason = "a program that talks")]

use std::env;

use hatd_client::{Client, Error, pb};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let target = env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:50051".to_owned());
    let hatd = Client::connect(target).await?;

    let room_jid = "room@conference.localhost".to_owned();
    let user_jid = "user@localhost".to_owned();
    let hat_id = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607".to_owned();

    let room = pb::PutRoomRequest { room_jid: room_jid.clone(), ..Default::default() };
    hatd.put_room(room).await?;
    let affiliation = pb::SetAffiliationRequest {
        room_jid: room_jid.clone(),
        user_jid: user_jid.clone(),
        affiliation: pb::Affiliation::Member.into(),
        ..Default::default()
    };
    hatd.set_affiliation(affiliation).await?;
    let given = hatd.give_hat(&room_jid, &user_jid, &hat_id).await?;
    println!("changed: {}, revision {}", given.changed, given.revision);

    // The token of the write makes the read see it, whichever server answers.
    let document = pb::GetUserHatsRequest { room_jid, user_jid, at_least_token: given.token };
    let user_hats = hatd.get_user_hats(document).await?.user_hats.unwrap_or_default();
    for (hat_id, attachment) in &user_hats.hats {
        println!("{hat_id} active: {}", attachment.active);
    }
    Ok(())
}
