//! Prints who has which hats in a room, then each change, until it is stopped.
//!
//! `cargo run --example watch -- room@conference.localhost http://127.0.0.1:50051`

#![expect(clippy::print_stdout, reason = "a program that talks")]

use std::env;

use hatd_client::{Client, Error, Event, WatchOptions};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let room = arguments.next().unwrap_or_else(|| "room@conference.localhost".to_owned());
    let target = arguments.next().unwrap_or_else(|| "http://127.0.0.1:50051".to_owned());

    // The server may start later: the watch connects by itself, and again whenever it must.
    let hatd = Client::builder().connect_lazy(target)?;
    let mut watch = hatd.watch(WatchOptions::default().room(room));
    loop {
        match watch.next().await? {
            Event::Snapshot { page, .. } => {
                for document in page.users {
                    println!("{} has {:?}", document.user_jid, document.hats);
                }
            }
            Event::Changes { commits, .. } => {
                for commit in commits {
                    for document in commit.users.into_iter().filter_map(|user| user.user_hats) {
                        println!("{} now has {:?}", document.user_jid, document.hats);
                    }
                }
            }
            Event::Bookmark { token, .. } => println!("up to date; resume with {token}"),
            // A reset says that the next snapshot takes the place of what was printed.
            Event::Reset { .. } | _ => {}
        }
    }
}
