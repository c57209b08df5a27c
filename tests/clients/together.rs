//! A classroom: the school's back end in Java defines hats, a bot in Go gives one, and programs in
//! every language watch and all show the same.

use std::{
    collections::HashMap,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::Notify,
    task::spawn_blocking,
    time::timeout,
};

use super::package::{GO, JAVA, PYTHON, Package, RUST, TYPESCRIPT};
use crate::{
    process::hatd::{Hatd, LIMIT, command, on},
    support::toolchain::or_skip,
};

const ROOM: &str = "algebra@conference.localhost";
const ADA: &str = "ada@localhost";
const BEN: &str = "ben@localhost";
const TUTOR: &str = "https://school.example/hats/tutor";

/// The programs that watch; the last one is a page in a browser.
const WATCHERS: [(&Package, &[&str]); 6] = [
    (&RUST, &["mirror"]),
    (&GO, &["mirror"]),
    (&JAVA, &["ShowHats"]),
    (&PYTHON, &["mirror"]),
    (&TYPESCRIPT, &["mirror"]),
    (&TYPESCRIPT, &["browser", "--look"]),
];

#[tokio::test]
async fn what_one_language_writes_all_others_show() {
    for (package, needs) in
        [(&RUST, None), (&GO, None), (&JAVA, None), (&PYTHON, None), (&TYPESCRIPT, Some("browser"))]
    {
        let ready = spawn_blocking(move || package.ready(needs)).await.unwrap();
        let Some(()) = or_skip(ready) else { return };
    }
    let (data, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let hatd = serve(&data, "127.0.0.1:0").await;
    let target = hatd.endpoint();
    let start = |(package, example): (&Package, &[&str])| {
        Watcher::start(package, example, &target, scratch.path())
    };
    let watchers = WATCHERS.map(start);

    said(&JAVA, &["School", ROOM, &target, "Tutor"]).await;
    shown(&watchers, ADA, "Teacher").await;

    let bot = said(&GO, &["bot", "-target", &target, ROOM, BEN, TUTOR]).await;
    assert_eq!(bot.trim(), "ben@localhost wears [Tutor]");
    shown(&watchers, BEN, "Tutor").await;

    said(&JAVA, &["School", ROOM, &target, "Mentor"]).await;
    shown(&watchers, BEN, "Mentor").await;

    let address = hatd.address;
    hatd.stop().await;
    let hatd = serve(&data, &address.to_string()).await;
    said(&GO, &["bot", "-target", &target, ROOM, ADA, TUTOR]).await;
    shown(&watchers, ADA, "Teacher, Mentor").await;

    said(&GO, &["bot", "-take", "-target", &target, ROOM, BEN, TUTOR]).await;
    shown(&watchers, BEN, "no hat").await;
    hatd.stop().await;
}

/// Starts a hatd that pages may call.
async fn serve(data: &TempDir, listen: &str) -> Hatd {
    let mut hatd = command(&on(data.path(), listen));
    Hatd::serve(hatd.args(["--cors-origins", "*"])).await
}

/// Runs an example to its end.
async fn said(package: &'static Package, arguments: &[&str]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        package.said("example", &arguments)
    };
    spawn_blocking(run).await.unwrap()
}

/// Waits until every program shows a user with these titles.
async fn shown(watchers: &[Watcher], user: &str, titles: &str) {
    for watcher in watchers {
        watcher.shows(user, titles).await;
    }
}

/// A program that prints what each user of the room wears, as `user: titles`, whenever it changes.
struct Watcher {
    name: String,
    /// The last titles of each user.
    state: Arc<(Mutex<HashMap<String, String>>, Notify)>,
    /// Killed when dropped.
    _child: Child,
}

impl Watcher {
    /// Starts it. What it leaves behind when it is killed is in `scratch`.
    fn start(package: &Package, example: &[&str], target: &str, scratch: &Path) -> Self {
        let mut command = Command::from(package.task("example"));
        command
            .args(example)
            .args([ROOM, target])
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let state = Arc::<(Mutex<HashMap<String, String>>, Notify)>::default();
        let told = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((user, titles)) = line.split_once(": ") {
                    told.0.lock().unwrap().insert(user.to_owned(), titles.to_owned());
                    told.1.notify_one();
                }
            }
        });
        Self { name: format!("{command:?}"), state, _child: child }
    }

    async fn shows(&self, user: &str, titles: &str) {
        let (state, told) = &*self.state;
        let shows = async {
            while state.lock().unwrap().get(user).is_none_or(|shown| shown != titles) {
                told.notified().await;
            }
        };
        let in_time = timeout(LIMIT, shows).await;
        assert!(in_time.is_ok(), "{} shows {user}: {titles}, not {state:?}", self.name);
    }
}
