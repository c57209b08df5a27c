//! Starting: what it needs, what it says, and how it exits when it cannot.

use std::fs;

use hatd_client::pb;
use tempfile::TempDir;

use super::hatd::{Hatd, command, on, put_open_room, run};

const ROOM: &str = "room@conference.localhost";

#[tokio::test]
async fn a_first_start_makes_the_data_directory_and_says_where_it_serves() {
    let parent = TempDir::new().unwrap();
    let data_dir = parent.path().join("new/hatd-data");
    let hatd = Hatd::start(&data_dir).await;
    assert!(hatd.greeting.contains(data_dir.to_str().unwrap()), "{}", hatd.greeting);
    let rooms = hatd.client().await.list_rooms(pb::ListRoomsRequest::default()).await.unwrap();
    assert!(rooms.rooms.is_empty());
    let ended = hatd.stop().await;
    assert!(ended.log.lines().all(|line| line.starts_with('{')), "JSON lines: {}", ended.log);
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_revisions_rise() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    let client = hatd.client().await;
    put_open_room(&client, ROOM).await;
    let given = client.give_hat(ROOM, "user@localhost", "urn:hat:1").await.unwrap();
    assert!(!dir.path().join("stopped").exists());
    hatd.stop().await;
    assert!(dir.path().join("stopped").exists(), "a clean stop is noted");

    let hatd = Hatd::start(dir.path()).await;
    assert!(!dir.path().join("stopped").exists(), "and forgotten before anything changes");
    assert!(!hatd.greeting.contains("making the state again"), "{}", hatd.greeting);
    let client = hatd.client().await;
    let request = pb::GetUserHatsRequest {
        room_jid: ROOM.to_owned(),
        user_jid: "user@localhost".to_owned(),
        at_least_token: given.token,
    };
    let read = client.get_user_hats(request).await.unwrap();
    assert_eq!(read.user_hats, given.user_hats);
    let next = client.give_hat(ROOM, "user@localhost", "urn:hat:2").await.unwrap();
    assert!(next.revision > given.revision);
    hatd.stop().await;
}

#[tokio::test]
async fn a_second_hatd_on_the_same_directory_ends_and_leaves_the_first_alone() {
    let dir = TempDir::new().unwrap();
    let first = Hatd::start(dir.path()).await;
    let client = first.client().await;
    put_open_room(&client, ROOM).await;

    let second = run(&mut command(&on(dir.path(), "127.0.0.1:0"))).await;
    assert_eq!(second.code(), Some(75), "{}", second.log);
    let says = format!("another hatd is using {}", dir.path().display());
    assert!(second.log.contains(&says), "{}", second.log);
    assert!(second.log.contains("hint: stop it first"), "{}", second.log);

    let given = client.give_hat(ROOM, "user@localhost", "urn:hat:1").await.unwrap();
    assert!(given.changed);
    first.stop().await;
}

#[tokio::test]
async fn an_address_in_use_is_said_to_be() {
    let (dir, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let first = Hatd::start(dir.path()).await;
    let address = first.address.to_string();
    let ended = run(&mut command(&on(other.path(), &address))).await;
    assert_eq!(ended.code(), Some(69), "{}", ended.log);
    assert!(ended.log.contains(&format!("failed to listen on {address}")), "{}", ended.log);
}

#[tokio::test]
async fn a_bad_configuration_file_is_named_with_its_line() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("hatd.toml");
    let check = async |text: &str, line: u32, says: &str| {
        fs::write(&file, text).unwrap();
        let ended = run(&mut command(&["--config", file.to_str().unwrap()])).await;
        assert_eq!(ended.code(), Some(78), "{text}: {}", ended.log);
        let place = format!("hatd: {}:{line}: ", file.display());
        assert!(ended.log.starts_with(&place), "{text}: {}", ended.log);
        assert!(ended.log.contains(says), "{text}: {}", ended.log);
    };
    check("\n\nlisten-on = \"127.0.0.1:0\"\n", 3, "listen-on").await;
    check("listen = \"127.0.0.1:0\"\nrequest-timeout = \"soon\"\n", 2, "").await;
    check("[limits]\nhats-per-user-max = 0\n", 2, "").await;
    check("\ncors-origins = [\"https://chat.example/\"]\n", 2, "is not an origin").await;
    check("listen =", 1, "").await;
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_refused() {
    let open = run(&mut command(&["--listen", "0.0.0.0:0"])).await;
    assert_eq!(open.code(), Some(78), "{}", open.log);
    assert!(open.log.contains("--insecure-open"), "{}", open.log);
    let order = run(&mut command(&["--request-timeout", "1h"])).await;
    assert_eq!(order.code(), Some(78), "{}", order.log);
    let long = run(&mut command(&["--request-timeout-max", "500000000000y"])).await;
    assert_eq!(long.code(), Some(78), "{}", long.log);
    assert!(long.log.contains("request-timeout-max must not exceed 1day"), "{}", long.log);
    let large = run(&mut command(&["--commit-bytes-max", "4194304"])).await;
    assert_eq!(large.code(), Some(78), "{}", large.log);
    assert!(large.log.contains("commit-bytes-max"), "{}", large.log);
    let missing = run(&mut command(&["--config", "/nowhere/hatd.toml"])).await;
    assert_eq!(missing.code(), Some(78), "{}", missing.log);
}

#[tokio::test]
async fn web_pages_are_listed_by_their_origins() {
    let path = run(&mut command(&["--cors-origins", "https://chat.example/hats"])).await;
    assert_eq!(path.code(), Some(64), "{}", path.log);
    assert!(path.log.contains("\"https://chat.example/hats\" is not an origin"), "{}", path.log);
    let name = run(command(&[]).env("HATD_CORS_ORIGINS", "https://chat.example,null")).await;
    assert_eq!(name.code(), Some(64), "{}", name.log);
    assert!(name.log.contains("\"null\" is not an origin"), "{}", name.log);

    let warns = async |origins: &str| {
        let dir = TempDir::new().unwrap();
        let mut listing = command(&on(dir.path(), "127.0.0.1:0"));
        let hatd = Hatd::serve(listing.env("HATD_CORS_ORIGINS", origins)).await;
        hatd.stop().await.log.contains("every web page")
    };
    assert!(!warns("https://chat.example,http://localhost:5173").await);
    assert!(warns("http://localhost:5173,*").await, "whoever lists all pages is told what follows");
}

#[tokio::test]
async fn a_wrong_command_line_is_refused_and_a_question_is_answered() {
    for arguments in
        [&["--no-such-flag"][..], &["no-such-command"], &["--listen", "everywhere"], &["--listen"]]
    {
        let ended = run(&mut command(arguments)).await;
        assert_eq!(ended.code(), Some(64), "{arguments:?}: {}", ended.log);
    }
    for (arguments, says) in [
        (&["--version"][..], concat!("hatd ", env!("CARGO_PKG_VERSION"))),
        (&["-V"], concat!("hatd ", env!("CARGO_PKG_VERSION"))),
        (&["--help"], "--data-dir"),
        (&["serve", "--help"], "--data-dir"),
    ] {
        let output = command(arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_variable_that_is_no_setting_is_refused() {
    for (name, value) in [
        ("HATD_LISTEN_ON", "127.0.0.1:0"),
        ("HATD_DATADIR", "x"),
        ("HATD_", ""),
        ("HATD_PORT", "1"),
    ] {
        let ended = run(command(&[]).env(name, value)).await;
        assert_eq!(ended.code(), Some(64), "{name}: {}", ended.log);
        let says = format!("hatd: there is no setting {name};");
        assert!(ended.log.starts_with(&says), "{name}: {}", ended.log);
    }

    let dir = TempDir::new().unwrap();
    let mut others = command(&on(dir.path(), "127.0.0.1:0"));
    others.env("HATD_ENDPOINT", "http://127.0.0.1:1").env("HATD_TEST_REQUIRE", "all");
    others.env("HATD_REGENERATE", "1");
    others.env("HATD_SERVICE_HOST", "10.0.0.1").env("HATD_SERVICE_PORT_GRPC", "50051");
    others.env("HATD_PORT", "tcp://10.0.0.1:50051").env("HATD_PORT_50051_TCP_PROTO", "tcp");
    Hatd::serve(&mut others).await.stop().await;
}

#[tokio::test]
async fn flags_win_over_the_environment_and_that_over_the_file() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let file = path("hatd.toml");
    let text = format!("listen = \"127.0.0.1:0\"\ndata-dir = {:?}\n", path("of-file"));
    fs::write(&file, text).unwrap();
    let used = |name: &str| dir.path().join(name).exists();

    let mut of_file = command(&["--config", &file]);
    Hatd::serve(&mut of_file).await.stop().await;
    assert!(used("of-file"));

    let mut of_environment = command(&["serve"]);
    of_environment.env("HATD_CONFIG", &file).env("HATD_DATA_DIR", path("of-environment"));
    Hatd::serve(&mut of_environment).await.stop().await;
    assert!(used("of-environment"));

    let of_flag = path("of-flag");
    let mut of_flag = command(&["--config", &file, "--data-dir", &of_flag]);
    of_flag.env("HATD_DATA_DIR", path("not-used"));
    Hatd::serve(&mut of_flag).await.stop().await;
    assert!(used("of-flag") && !used("not-used"));
}
