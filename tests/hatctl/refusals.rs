//! What hatctl says and how it exits when it is refused, and what needs no server.

use tempfile::TempDir;

use super::{HAT, ROOM, USER, command, done, hatctl, put_room_with_a_member, run};
use crate::process::hatd::Hatd;

#[tokio::test]
async fn what_is_not_found_is_named_with_the_mend_and_4() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    let check = async |arguments: &[&str], reason: &str, hint: &str| {
        let refused = hatctl(&hatd, arguments).await;
        assert_eq!(refused.code, 4, "{arguments:?}: {}", refused.err);
        assert_eq!(refused.out, "", "{arguments:?}");
        assert!(refused.err.starts_with("error: "), "{}", refused.err);
        assert!(refused.err.contains(&format!("[{reason}]")), "{}", refused.err);
        assert!(refused.err.contains(hint), "{}", refused.err);
    };
    let add = ["hat", "add", ROOM, USER, HAT];
    // The room is missed first, then the user, as the module has it.
    check(&add, "ROOM_NOT_FOUND", "hatctl room put room@conference.localhost").await;
    check(&["hat", "get", ROOM, USER], "ROOM_NOT_FOUND", "hatctl room put").await;
    check(&["room", "get", ROOM], "ROOM_NOT_FOUND", "hatctl room put").await;
    done(&hatd, &["room", "put", ROOM]).await;
    let hint = "hatctl affiliation set room@conference.localhost user@localhost MEMBER";
    check(&add, "USER_NOT_AFFILIATED", hint).await;
    check(&["hat", "get", ROOM, USER], "USER_NOT_AFFILIATED", hint).await;
    done(&hatd, &["affiliation", "set", ROOM, USER, "OUTCAST"]).await;
    check(&add, "USER_NOT_AFFILIATED", hint).await;
    done(&hatd, &["affiliation", "set", ROOM, USER, "MEMBER"]).await;
    check(&["wear", ROOM, USER, HAT], "HAT_NOT_FOUND", "hatctl hat get").await;
    check(&["claim", ROOM, USER, HAT], "HAT_NOT_DEFINED", "hatctl define").await;
    done(&hatd, &["room", "put", ROOM, "--hat-policy", "DEFINED_ONLY"]).await;
    check(&add, "HAT_NOT_DEFINED", "hatctl define").await;
}

#[tokio::test]
async fn exit_codes_are_those_documented() {
    let dir = TempDir::new().unwrap();
    let hatd = Hatd::start(dir.path()).await;
    put_room_with_a_member(&hatd).await;
    done(&hatd, &["hat", "add", ROOM, USER, HAT, "--required"]).await;
    let check = async |arguments: &[&str], code: i32, says: &str| {
        let refused = hatctl(&hatd, arguments).await;
        assert_eq!(refused.code, code, "{arguments:?}: {}", refused.err);
        assert!(refused.err.contains(says), "{arguments:?}: {}", refused.err);
    };
    check(&["hat", "add", ROOM, USER, HAT, "--required"], 0, "").await;
    check(&["hat", "add", ROOM, "user@localhost/phone", HAT], 1, "INVALID_USER_JID").await;
    check(&["hat", "add", ROOM, USER, "no uri"], 1, "INVALID_HAT_ID").await;
    check(&["doff", ROOM, USER, HAT], 1, "HAT_REQUIRED").await;
    check(&["hat", "add", ROOM, USER], 2, "Usage").await;
    check(&["frobnicate"], 2, "Usage").await;
    check(&["watch", "--from", "hat"], 1, "INVALID_TOKEN").await;
    check(&["hat", "add", ROOM, USER, HAT, "--etag", "0"], 7, "ETAG_MISMATCH").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_6() {
    let refused = run(&mut command(&["room", "list", "--endpoint", "http://127.0.0.1:1"])).await;
    assert_eq!(refused.code, 6, "{}", refused.err);
    assert!(refused.err.contains("is hatd running at http://127.0.0.1:1?"), "{}", refused.err);
    let refused = run(&mut command(&["room", "list", "--endpoint", "ftp://127.0.0.1"])).await;
    assert_eq!(refused.code, 2, "{}", refused.err);
}

#[tokio::test]
async fn help_versions_and_completions_need_no_server() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&mut command(&["completion", shell])).await;
        assert_eq!(script.code, 0, "{shell}: {}", script.err);
        assert!(script.out.contains("affiliation") && script.out.contains("wearers"), "{shell}");
    }
    let version = run(&mut command(&["--version"])).await;
    assert_eq!(version.out, concat!("hatctl ", env!("CARGO_PKG_VERSION"), "\n"));
    for arguments in [&["help"][..], &["--help"], &["exit-codes"]] {
        let help = run(&mut command(arguments)).await;
        assert_eq!(help.code, 0);
        assert!(help.out.contains("Exit codes:"), "{arguments:?}: {}", help.out);
    }
}
