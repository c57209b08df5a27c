//! `hatctl watch`: changes as they come.

use hatd_client::{Client, Lifecycle, Start, Watch, WatchOptions, pb};

use crate::{
    cli::{self, Format},
    errors::{Error, note, with_causes},
    json::{Attachment, Commit, Document, Event, WatchLine, Word as _},
    output::{Output, printable},
};

/// Watches until it is interrupted or refused.
pub(crate) async fn run(
    hatd: &Client,
    arguments: cli::Watch,
    output: &mut Output,
) -> Result<(), Error> {
    let mut watch = hatd.watch(options(arguments)?);
    watch.on_lifecycle(tell());
    let mut token = None;
    let result = tokio::select! {
        result = follow(&mut watch, output, &mut token) => result,
        signal = tokio::signal::ctrl_c() => signal.map_err(Error::from),
    };
    if output.format() == Format::Table
        && let Some(token) = token
    {
        note(&format!("to go on from here: --from {token}"));
    }
    result
}

fn options(arguments: cli::Watch) -> Result<WatchOptions, Error> {
    let start = match arguments.from {
        Some(token) => Start::Token(token),
        None if arguments.snapshot => Start::Snapshot,
        None => Start::Now,
    };
    let on_expired =
        if arguments.fail_if_expired { pb::OnExpired::Fail } else { pb::OnExpired::Reset };
    let mut options = WatchOptions::default()
        .start(start)
        .on_expired(on_expired)
        .at_least_token(arguments.read.at_least_token);

    match (arguments.rooms.as_slice(), arguments.users.as_slice()) {
        ([room], users) if !users.is_empty() => {
            for user in users {
                options = options.user_in_room(room, user);
            }
        }
        ([_, _, ..], [_, ..]) => {
            let text = "--user takes one --room, or none: watch several rooms without --user";
            return Err(Error::Usage(text.to_owned()));
        }
        (rooms, users) => {
            options = rooms.iter().fold(options, WatchOptions::room);
            options = users.iter().fold(options, WatchOptions::user);
        }
    }
    Ok(arguments.domains.into_iter().fold(options, WatchOptions::domain))
}

/// Tells on standard error when the connection is lost and when it is back.
fn tell() -> impl FnMut(Lifecycle<'_>) + Send + 'static {
    let mut lost = false;
    move |lifecycle| match lifecycle {
        Lifecycle::Disconnected { cause, retry_in } => {
            lost = true;
            let text = with_causes(cause);
            note(&format!("{text}; trying again in {:.1} s", retry_in.as_secs_f64()));
        }
        Lifecycle::Connected if lost => {
            lost = false;
            note("connected again");
        }
        Lifecycle::Connected | _ => {}
    }
}

async fn follow(
    watch: &mut Watch,
    output: &mut Output,
    token: &mut Option<String>,
) -> Result<(), Error> {
    loop {
        let event = watch.next().await?;
        let next = event.token().map(str::to_owned);
        let line = WatchLine::from(event);
        match output.format() {
            Format::Json | Format::Jsonl => output.line(&line)?,
            Format::Table => {
                for text in lines(&line.event) {
                    output.text(&text)?;
                }
            }
        }
        output.flush()?;
        *token = next.or_else(|| token.take());
    }
}

/// The lines that show an event to a person.
fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::Reset { reason } => vec![format!("# the state follows ({})", reason.text())],
        Event::Snapshot { rooms, definitions, users, complete } => {
            let mut lines = Vec::new();
            for room in rooms {
                let (policy, eligibility) = (room.hat_policy.text(), room.eligibility.text());
                lines.push(format!("= {} room {policy} {eligibility}", room.room_jid));
            }
            for definition in definitions {
                let (room, hat) = (&definition.room_jid, &definition.hat_id);
                lines.push(format!("= {room} defines {hat}{}", title(&definition.title)));
            }
            for Document { room_jid, user_jid, hats, .. } in users {
                for (hat_id, attachment) in hats {
                    lines.push(format!("= {room_jid} {user_jid} {}", had(hat_id, attachment)));
                }
            }
            if *complete {
                lines.push("# the state is complete; changes follow".to_owned());
            }
            lines
        }
        Event::Changes { commits } => commits.iter().flat_map(commit_lines).collect(),
        Event::Bookmark { .. } => Vec::new(),
    }
}

fn commit_lines(commit: &Commit) -> Vec<String> {
    let time = commit.commit_time.map_or_else(String::new, |time| clock(&time.0.to_string()));
    let start = format!("{time} {}", commit.room_jid);
    let end = why(commit);
    let mut lines = Vec::new();
    if commit.room_deleted {
        lines.push(format!("{start} room deleted{end}"));
    }
    if let Some(room) = &commit.room {
        let (policy, eligibility) = (room.hat_policy.text(), room.eligibility.text());
        lines.push(format!("{start} room {policy} {eligibility}{end}"));
    }
    for definition in &commit.definitions {
        let title = title(&definition.title);
        lines.push(format!("{start} defines {}{title}{end}", definition.hat_id));
    }
    for hat_id in &commit.removed_definitions {
        lines.push(format!("{start} no longer defines {hat_id}{end}"));
    }
    for user in &commit.users {
        let Some(document) = &user.user_hats else { continue };
        let start = format!("{start} {}", document.user_jid);
        for change in &user.changes {
            let hat = match document.hats.get(&change.hat_id) {
                Some(attachment) => had(&change.hat_id, attachment),
                None => change.hat_id.clone(),
            };
            let sign = match change.kind.0 {
                Some(pb::ChangeType::Added) => '+',
                Some(pb::ChangeType::Removed) => '-',
                Some(pb::ChangeType::Updated | pb::ChangeType::Unspecified) | None => '~',
            };
            lines.push(format!("{start} {sign} {hat}{end}"));
        }
        if user.changes.is_empty() {
            lines.push(format!("{start} is {}{end}", document.affiliation.text()));
        }
    }
    lines
}

/// A hat and how it is had: `urn:a "Title" (active, required)`.
fn had(hat_id: &str, attachment: &Attachment) -> String {
    let mut how = vec![if attachment.active { "active" } else { "inactive" }.to_owned()];
    if attachment.required {
        how.push("required".to_owned());
    }
    if let Some(time) = attachment.expire_time {
        how.push(format!("until {}", time.0));
    }
    format!("{hat_id}{} ({})", title(&attachment.title), how.join(", "))
}

fn title(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!(" \"{}\"", printable(title)) }
}

/// Why a commit was made, unless a call asked for it without a word.
fn why(commit: &Commit) -> String {
    let cause = match commit.cause.0 {
        None | Some(pb::CommitCause::Request) => String::new(),
        Some(cause) => format!(" [{}]", cause.word()),
    };
    let said = |prefix, text: &str| match text {
        "" => String::new(),
        text => format!("{prefix}{}", printable(text)),
    };
    match &commit.context {
        Some(context) => cause + &said(" by ", &context.actor) + &said(": ", &context.reason),
        None => cause,
    }
}

/// The time of day in UTC, to the second, of a time of RFC 3339.
fn clock(time: &str) -> String {
    match time.split_once('T') {
        Some((_, time)) if time.is_char_boundary(8) => format!("{}Z", time.split_at(8).0),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use hatd_client::Timestamp;

    use super::*;

    const ROOM: &str = "room@conference.localhost";
    const USER: &str = "user@localhost";
    const HAT: &str = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";

    fn shown(commit: pb::Commit) -> Vec<String> {
        let commits = vec![pb::Commit { room_jid: ROOM.into(), ..commit }];
        lines(&WatchLine::from(hatd_client::Event::Changes { commits, token: "t".into() }).event)
    }

    fn change(kind: pb::ChangeType, attachment: Option<pb::Attachment>) -> pb::Commit {
        pb::Commit {
            commit_time: Some(Timestamp { seconds: 43_201, nanos: 5 }),
            users: vec![pb::UserChange {
                user_hats: Some(pb::UserHats {
                    user_jid: USER.into(),
                    hats: attachment.into_iter().map(|it| (HAT.into(), it)).collect(),
                    ..Default::default()
                }),
                changes: vec![pb::HatChange {
                    hat_id: HAT.into(),
                    r#type: kind.into(),
                    previous: None,
                }],
            }],
            cause: pb::CommitCause::Request.into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_hat_added_is_one_line() {
        let attachment =
            pb::Attachment { active: true, title: "Awesome".into(), ..Default::default() };
        assert_eq!(
            shown(change(pb::ChangeType::Added, Some(attachment))),
            [format!("12:00:01Z {ROOM} {USER} + {HAT} \"Awesome\" (active)")]
        );
    }

    #[test]
    fn a_hat_removed_says_why() {
        let commit = pb::Commit {
            cause: pb::CommitCause::Expiry.into(),
            context: Some(pb::Context { actor: "bot".into(), reason: "\u{1b}[2J".into() }),
            ..change(pb::ChangeType::Removed, None)
        };
        assert_eq!(
            shown(commit),
            [format!("12:00:01Z {ROOM} {USER} - {HAT} [EXPIRY] by bot: \\u{{1b}}[2J")]
        );
    }

    #[test]
    fn a_room_deleted_is_one_line() {
        let commit = pb::Commit { room_deleted: true, ..Default::default() };
        assert_eq!(shown(commit), [format!(" {ROOM} room deleted")]);
    }

    #[test]
    fn an_event_is_one_object_with_its_token() {
        let attachment = pb::Attachment::default();
        let commit = change(pb::ChangeType::Added, Some(attachment));
        let commits = vec![pb::Commit { room_jid: ROOM.into(), revision: 7, ..commit }];
        let event = hatd_client::Event::Changes { commits, token: "t".into() };
        let json = serde_json::to_value(WatchLine::from(event)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "changes": {"commits": [{
                    "room_jid": ROOM,
                    "revision": 7,
                    "commit_time": "1970-01-01T12:00:01.000000005Z",
                    "users": [{
                        "user_hats": {
                            "room_jid": "",
                            "user_jid": USER,
                            "hats": {HAT: {"active": false}},
                            "revision": 0,
                        },
                        "changes": [{"hat_id": HAT, "type": "ADDED"}],
                    }],
                    "cause": "REQUEST",
                }]},
                "token": "t",
            })
        );
    }
}
