//! Flags, the environment and the file: what wins, what is refused.

use std::io::Write as _;

use clap::{CommandFactory as _, Parser};

use super::settings::{duration, size};
use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn flags(flags: &[&str]) -> Settings {
    let arguments = [&["hatd"], flags].concat();
    Command::try_parse_from(arguments).unwrap().arguments.settings
}

fn file(text: &str) -> Result<Settings, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let name = file.path().display().to_string();
    Settings::read(file.path()).map_err(|error| error.to_string().replace(&name, "hatd.toml"))
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_defaults() {
    let given = flags(&["--listen=127.0.0.1:1", "--hats-per-user-max=1"]);
    let file = file(
        "listen = '127.0.0.1:2'\n\
         retention-bytes = '2GiB'\n\
         request-id-ttl = '90m'\n\
         log-format = 'json'\n\
         [limits]\n\
         hats-per-user-max = 2\n\
         title-bytes-max = 2\n",
    );
    let config = Config::resolve(given, file.unwrap()).unwrap();
    let default = Config::default();
    let expected = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 1)),
        retention_bytes: 2 << 30,
        request_id_ttl: Duration::from_mins(90),
        log_format: Format::Json,
        limits: Limits { hats_per_user_max: 1, title_bytes_max: 2, ..default.limits },
        ..default
    };
    assert_eq!(config, expected);
}

#[test]
fn every_flag_has_a_variable_named_after_it() {
    for argument in Command::command().get_arguments() {
        let Some(flag) = argument.get_long() else { continue };
        let expected = format!("HATD_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(argument.get_env(), Some(expected.as_ref()), "--{flag}");
    }
}

#[test]
fn the_defaults_in_the_help_are_the_defaults() {
    let mut given = vec!["hatd".to_owned()];
    for argument in Command::command().get_arguments() {
        let help = argument.get_help().unwrap().to_string();
        if let Some((_, default)) = help.split_once("[default: ") {
            let flag = argument.get_long().unwrap();
            given.push(format!("--{flag}={}", default.trim_end_matches(']')));
        }
    }
    assert!(given.len() > 30, "{given:?}");
    let settings = Command::try_parse_from(given).unwrap().arguments.settings;
    assert_eq!(Config::resolve(settings, Settings::default()).unwrap(), Config::default());
}

#[test]
fn the_file_takes_every_setting() {
    let mut text = String::new();
    let mut limits = "[limits]\n".to_owned();
    for argument in Command::command().get_arguments() {
        let flag = argument.get_long().unwrap();
        let line = match (flag, argument.get_help_heading()) {
            ("config", _) => continue,
            (_, Some("Limits")) => {
                limits.extend([flag, " = 7\n"]);
                continue;
            }
            ("listen" | "metrics-listen", _) => "'[::1]:7'",
            ("insecure-open", _) => "true",
            ("cors-origins", _) => "['https://chat.example', '*']",
            ("log-format", _) => "'text'",
            (flag, _) if flag.ends_with("-bytes") => "'7KiB'",
            _ => "'7s'",
        };
        text.extend([flag, " = ", line, "\n"]);
    }
    let settings = file(&(text + &limits)).unwrap();
    let missing = format!("{settings:?}");
    assert!(!missing.contains("None"), "{missing}");
}

#[test]
fn a_mistake_in_the_file_is_named_by_file_and_line() {
    let check = |text: &str, place: &str, word: &str| {
        let error = file(text).unwrap_err();
        assert!(error.starts_with(place) && error.contains(word), "{text:?}: {error}");
    };
    check("data-dir = 'x'\nlissten = '[::1]:1'\n", "hatd.toml:2: ", "`lissten`");
    check("\n\n[limits]\n\nhats = 1\n", "hatd.toml:5: ", "`hats`");
    check("\nlisten = 1\n", "hatd.toml:2: ", "integer `1`");
    check("\nlisten = 'localhost'\n", "hatd.toml:2: ", "socket address");
    check("\n\nretention-age = '7x'\n", "hatd.toml:3: ", "unit");
    check("retention-age = '7d'\nretention-bytes = '8 hats'\n", "hatd.toml:2: ", "hats");
    check("\nlog-filter = 'hatd=loud'\n", "hatd.toml:2: ", "filter");
    check("\ncors-origins = ['*', 'hats']\n", "hatd.toml:2: ", "\"hats\" is not an origin");
    check("cors-origins = '*'\n", "hatd.toml:1: ", "expected a sequence");
    check("\nlog-format = 'xml'\n", "hatd.toml:2: ", "`xml`");
    check("[limits]\nhats-per-user-max = 0\n", "hatd.toml:2: ", "0");
    check("[limits]\nhats-per-user-max = -1\n", "hatd.toml:2: ", "-1");
    check("listen = '[::1]:1'\nlisten = '[::1]:2'\n", "hatd.toml:2: ", "duplicate key");
    check("listen =\n", "hatd.toml:1: ", "");
}

#[test]
fn a_flag_lists_origins_and_so_do_several() {
    let check = |given: &[&str], expected: &[&str]| {
        let config = Config::resolve(flags(given), Settings::default()).unwrap();
        let origins: Vec<_> = config.cors_origins.iter().map(ToString::to_string).collect();
        assert_eq!(origins, expected, "{given:?}");
    };
    check(&[], &[]);
    check(&["--cors-origins=*"], &["*"]);
    let (a, b) = ("https://a.example", "http://b.example:8080");
    check(&["--cors-origins=https://a.example:443,http://b.example:8080"], &[a, b]);
    check(&["--cors-origins", a, "--cors-origins", b], &[a, b]);

    let of_file = file("cors-origins = ['https://c.example']").unwrap();
    let config = Config::resolve(flags(&["--cors-origins", a]), of_file.clone()).unwrap();
    assert_eq!(config.cors_origins, [a.parse().unwrap()], "lists are not put together");
    let config = Config::resolve(Settings::default(), of_file).unwrap();
    assert_eq!(config.cors_origins, ["https://c.example".parse().unwrap()]);
}

#[test]
fn durations_and_sizes_have_units() {
    let check = |text: &str, seconds| assert_eq!(duration(text).unwrap().as_secs(), seconds);
    check("10s", 10);
    check("90m", 5_400);
    check("1h 30m", 5_400);
    check("7d", 604_800);
    check("0s", 0);
    for bad in ["", "10", "-1s", "7 hats"] {
        assert!(duration(bad).is_err(), "{bad}");
    }

    let check = |text: &str, bytes| assert_eq!(size(text).unwrap().as_u64(), bytes);
    check("8GiB", 8 << 30);
    check("512 MiB", 512 << 20);
    check("1GB", 1_000_000_000);
    check("4096", 4_096);
    for bad in ["", "-1", "8 hats", "GiB"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}

#[test]
fn other_machines_are_let_in_only_on_request() {
    let check = |given: &[&str], works| {
        let resolved = Config::resolve(flags(given), Settings::default());
        assert_eq!(resolved.is_ok(), works, "{given:?}: {resolved:?}");
    };
    check(&["--listen=127.0.0.9:1"], true);
    check(&["--listen=[::1]:1"], true);
    check(&["--listen=[::ffff:127.0.0.1]:1"], true);
    check(&["--listen=0.0.0.0:1"], false);
    check(&["--listen=[::]:1"], false);
    check(&["--listen=192.0.2.1:1"], false);
    check(&["--listen=192.0.2.1:1", "--insecure-open"], true);
    check(&["--listen=192.0.2.1:1", "--insecure-open=false"], false);
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let check = |given: &str, expected: &str| {
        let error = Config::resolve(flags(&[given]), Settings::default()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check("--request-timeout=31s", "request-timeout must not exceed request-timeout-max");
    check("--page-size-max=99", "page-size-default must not exceed page-size-max");
    check("--request-timeout=0s", "request-timeout must be more than zero");
    check("--commit-bytes-max=65535", "document-bytes-max must not exceed commit-bytes-max");
    let segment = "log-segment-bytes must be from 4.0 KiB to 1.0 GiB";
    check("--log-segment-bytes=4095", segment);
    check("--log-segment-bytes=1073741825", segment);
}

#[test]
fn durations_are_bounded() {
    let check = |setting: &str, max: &str, more: &str| {
        // The timeouts also bound each other, so both are given.
        let resolve = |value: &str| {
            let flags = flags(&["--request-timeout-max=1d", &format!("--{setting}={value}")]);
            Config::resolve(flags, Settings::default())
        };
        assert!(resolve(max).is_ok(), "{setting} of {max}");
        for beyond in [more, "500000000000y"] {
            let error = resolve(beyond).unwrap_err().to_string();
            assert_eq!(error, format!("{setting} must not exceed {max}"), "{beyond}");
        }
    };
    check("request-timeout", "1day", "1day 1ns");
    check("shutdown-grace-period", "1day", "1day 1ns");
    check("retention-age", "100years", "100years 1ns");
    check("request-id-ttl", "100years", "100years 1ns");

    let flags = flags(&["--request-timeout-max=500000000000y"]);
    let error = Config::resolve(flags, Settings::default()).unwrap_err();
    assert_eq!(error.to_string(), "request-timeout-max must not exceed 1day");
}

#[test]
fn commits_and_pages_fit_into_what_clients_take() {
    for setting in ["commit-bytes-max", "page-bytes-max"] {
        let resolve = |bytes: usize| {
            let flags = flags(&[&format!("--{setting}={bytes}")]);
            Config::resolve(flags, Settings::default())
        };
        assert!(resolve(3_670_016).is_ok(), "{setting}");
        let error = resolve(3_670_017).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert!(error.to_string().starts_with(setting), "{error}");
    }
}
