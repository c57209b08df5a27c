//! Prints what people wear in a room as it is displayed, then again whenever it differs, until it
//! is stopped.
//!
//! `cargo run --example mirror -- room@conference.localhost http://127.0.0.1:50051`

#![expect(clippy::print_stdout, reason = "a program that talks")]

use std::env;

use futures_util::StreamExt as _;
use hatd_client::{Client, Error, Mirror, MirrorOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let room = arguments.next().unwrap_or_else(|| "room@conference.localhost".to_owned());
    let target = arguments.next().unwrap_or_else(|| "http://127.0.0.1:50051".to_owned());
    let language = arguments.next().unwrap_or_default();

    // The server may start later: the mirror connects by itself, and again whenever it must.
    let hatd = Client::builder().connect_lazy(target)?;
    let mirror = hatd.mirror(MirrorOptions::default().room(&room));
    let mut changes = mirror.changes();
    while let Some(change) = changes.next().await {
        let user = change?.user_jid;
        if user.is_empty() {
            // The room's record or catalogue: titles, hues and the order may be other ones.
            for document in mirror.users(&room) {
                print(&mirror, &room, &document.user_jid, &language);
            }
        } else {
            print(&mirror, &room, &user, &language);
        }
    }
    Ok(())
}

fn print(mirror: &Mirror, room: &str, user: &str, language: &str) {
    let hats = mirror.hats_in(room, user, language).into_iter();
    let titles: Vec<_> = hats.map(|hat| hat.title).collect();
    println!("{user}: {}", if titles.is_empty() { "no hat".into() } else { titles.join(", ") });
}
