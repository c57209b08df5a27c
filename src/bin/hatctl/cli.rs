//! The command line.

#![expect(clippy::doc_markdown, reason = "the comments are the help, which is plain text")]

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use clap_complete::Shell;
use hatd_client::pb;

use crate::{
    errors::EXIT_CODES,
    json::{Hats, Word},
    time::{When, parse_duration, parse_when},
};

/// Works with hatd, the service that keeps the hats people wear in chat rooms.
///
/// Rooms and users are bare JIDs, hats are URIs, and the order is always ROOM USER HAT.
#[derive(Debug, Parser)]
#[command(name = "hatctl", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where hatd listens.
    #[arg(
        long,
        global = true,
        env = "HATD_ENDPOINT",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub(crate) endpoint: String,
    /// How long a call may take, retries included [default: 5s for a read, 30s for a write].
    #[arg(long, global = true, value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) timeout: Option<Duration>,
    /// How to write results.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One JSON value: an object, or an array for a list.
    Json,
    /// One JSON object per line.
    Jsonl,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Rooms.
    #[command(subcommand)]
    Room(Room),
    /// Who belongs to a room.
    #[command(subcommand)]
    Affiliation(Affiliation),
    /// The hats that users have.
    #[command(subcommand)]
    Hat(Hat),
    /// Define a hat in a room's catalogue, in place of its definition there.
    Define(Define),
    /// Take a hat off everybody in a room and out of its catalogue.
    Destroy(RoomHat),
    /// List a room's catalogue.
    Definitions {
        /// The room.
        room: String,
        #[command(flatten)]
        list: List,
    },
    /// Wear a hat, as its user may.
    Wear(Wardrobe),
    /// Take a hat off and keep it, as its user may.
    Doff(Wardrobe),
    /// Take a self-assignable hat and wear it, as a user may.
    Claim(Wardrobe),
    /// Give a hat up, as its user may.
    Discard(Wardrobe),
    /// Bring rooms and their affiliations up to date from a file.
    ///
    /// A line of the file is {"room_jid": ROOM, "affiliations": [{"user_jid": USER,
    /// "affiliation": "MEMBER"}, ...]}, with "hat_policy", "eligibility", "mode" (UPSERT or
    /// REPLACE), "from" and "until" if need be. Each line is one commit.
    Sync(Sync),
    /// Remove a user from every room, before the JID is given to anyone else.
    Forget {
        /// The user.
        user: String,
        #[command(flatten)]
        write: Write,
    },
    /// Print changes as they come. Resumes by itself, also when hatd restarts.
    Watch(Watch),
    /// Write what a JSON lines file holds: rooms, definitions, affiliations, hats.
    ///
    /// A line is an object with one key that says what it holds:
    ///
    /// {"room": {"room_jid": ROOM, "hat_policy": "ANY_URI", "eligibility": "AFFILIATED"}}
    /// {"definition": {"room_jid": ROOM, "hat_id": HAT, "title": "Teacher"}}
    /// {"affiliation": {"room_jid": ROOM, "user_jid": USER, "affiliation": "MEMBER"}}
    /// {"hats": {"room_jid": ROOM, "user_jid": USER, "hats": {HAT: {"active": true}}}}
    ///
    /// Lines may come in any order. All are checked before anything is sent, with the default
    /// limits of hatd; a bad one is named by its number. What the server has already, or lower
    /// limits of its own, can still make it refuse a line.
    ///
    /// The hats of a line become exactly that user's; users, definitions and rooms that are not
    /// named stay. Running an import again leaves all as it is, so one that was interrupted is run
    /// again.
    ///
    /// A room can have hats from before its settings became stricter: of users who do not belong
    /// to it, where its line says AFFILIATED, or without a definition, where it says DEFINED_ONLY.
    /// Such a room is ANYONE or ANY_URI while hats are sent, and gets its own settings last.
    ///
    /// With `prosody`, it is what a Prosody keeps instead of a file; one that is called prosody is
    /// ./prosody.
    #[command(verbatim_doc_comment)]
    Import(Import),
    /// Write rooms, definitions, affiliations and hats to a JSON lines file for import.
    ///
    /// It is not one instant: rooms change while they are read, each page of each list being as it
    /// was when it was read. Revisions, and who gave a hat, are not in it.
    Export(Export),
    /// Show what the store holds, and whether it takes writes.
    Status,
    /// Write the state at one position to a file, for `hatd restore`. hatd goes on meanwhile.
    ///
    /// Everything that was answered before is in it. Unlike an export it is one instant, with
    /// revisions and who gave which hat.
    Backup {
        /// The file, or - for standard output.
        file: PathBuf,
    },
    /// Take a checkpoint now, and delete what nobody needs any more of the commit log.
    ///
    /// hatd does so by itself when its log has grown.
    Checkpoint,
    /// Write a completion script for a shell.
    Completion {
        /// The shell.
        shell: Shell,
    },
    /// Explain the exit codes.
    #[command(name = "exit-codes", after_long_help = EXIT_CODES)]
    ExitCodes,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Room {
    /// Create a room, or change its settings.
    Put {
        /// The room.
        room: String,
        /// Which hats may newly be put on [default for a new room: ANY_URI].
        #[arg(long, value_parser = words::<pb::HatPolicy>(), ignore_case = true)]
        hat_policy: Option<pb::HatPolicy>,
        /// Which users can have hats [default for a new room: AFFILIATED].
        #[arg(long, value_parser = words::<pb::Eligibility>(), ignore_case = true)]
        eligibility: Option<pb::Eligibility>,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
    /// Show a room.
    Get {
        /// The room.
        room: String,
        #[command(flatten)]
        read: Read,
    },
    /// List rooms.
    List {
        /// Only rooms of this domain.
        #[arg(long)]
        domain: Option<String>,
        #[command(flatten)]
        list: List,
    },
    /// Delete a room, its catalogue, and all that is kept of its users.
    Delete {
        /// The room.
        room: String,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Affiliation {
    /// Set what a user is to a room. OUTCAST takes the user's hats away for good, as does NONE in
    /// a room for the affiliated.
    Set {
        /// The room.
        room: String,
        /// The user.
        user: String,
        /// What the user is to the room.
        #[arg(value_parser = words::<pb::Affiliation>(), ignore_case = true)]
        affiliation: pb::Affiliation,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
    /// List the affiliations of a room.
    List {
        /// The room.
        room: String,
        #[command(flatten)]
        list: List,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hat {
    /// Put a hat on a user, in place of how the user has it already.
    Add {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        attachment: Attachment,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
    /// Take a hat from a user.
    Remove {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
    /// Make the listed hats exactly the user's.
    Set {
        /// The room.
        room: String,
        /// The user.
        user: String,
        /// The hats, each as the options below say.
        #[arg(value_name = "HAT", required_unless_present_any = ["hats", "none"])]
        hat_ids: Vec<String>,
        /// The hats as JSON, each as it says: '{"urn:…": {"active": false}}'. What is left out is
        /// false or empty.
        #[arg(
            long,
            value_name = "JSON",
            value_parser = parse_hats,
            conflicts_with_all = ["hat_ids", "inactive", "required", "title", "expire"]
        )]
        hats: Option<HatsArg>,
        /// Leave the user without hats.
        #[arg(long, conflicts_with_all = ["hat_ids", "hats"])]
        none: bool,
        /// Touch only hats whose id begins with this.
        #[arg(long, default_value = "", hide_default_value = true)]
        prefix: String,
        #[command(flatten)]
        attachment: Attachment,
        #[command(flatten)]
        etag: Etag,
        #[command(flatten)]
        write: Write,
    },
    /// Show a user's hats in a room.
    Get {
        /// The room.
        room: String,
        /// The user.
        user: String,
        #[command(flatten)]
        read: Read,
    },
    /// List the hats of a room, or those of a user in all rooms.
    List {
        /// The room.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        room: Option<String>,
        /// List the hats of this user in all rooms instead.
        #[arg(long, conflicts_with_all = ["hat", "active"])]
        user: Option<String>,
        /// Only users who have this hat.
        #[arg(long)]
        hat: Option<String>,
        /// Only users who wear a hat; with --hat, that one.
        #[arg(long)]
        active: bool,
        #[command(flatten)]
        list: List,
    },
    /// Make the listed users exactly those who have a hat in a room.
    Wearers {
        /// The room.
        room: String,
        /// The hat.
        hat: String,
        /// The users.
        #[arg(value_name = "USER", required_unless_present = "none")]
        users: Vec<String>,
        /// Take the hat off everybody.
        #[arg(long, conflicts_with = "users")]
        none: bool,
        #[command(flatten)]
        attachment: Attachment,
        #[command(flatten)]
        write: Write,
    },
    /// Do several operations on a room in one commit, all or nothing.
    ///
    /// The file is an object of "operations" and, if need be, "preconditions" and "keep_active":
    ///
    /// {"operations": [{"add": {"user_jid": USER, "hat_id": HAT, "attachment": {"active": true}}},
    ///                 {"remove": {"user_jid": USER, "hat_id": HAT}},
    ///                 {"set": {"user_jid": USER, "hats": {}, "hat_id_prefix": "urn:"}}],
    ///  "preconditions": [{"etag": {"user_jid": USER, "etag": ETAG}},
    ///                    {"has_hat": {"user_jid": USER, "hat_id": HAT}},
    ///                    {"lacks_hat": {"user_jid": USER, "hat_id": HAT}}]}
    #[command(verbatim_doc_comment)]
    Update {
        /// The room.
        room: String,
        /// The file, or - for standard input.
        file: PathBuf,
        #[command(flatten)]
        write: Write,
    },
}

/// One hat of one user.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Target {
    /// The room.
    pub(crate) room: String,
    /// The user.
    pub(crate) user: String,
    /// The hat.
    pub(crate) hat: String,
}

/// How a hat is had.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Attachment {
    /// Give it without wearing it.
    #[arg(long)]
    pub(crate) inactive: bool,
    /// The user may neither doff nor discard it.
    #[arg(long)]
    pub(crate) required: bool,
    /// What is displayed for this user.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) title: String,
    /// When it ends: a time, as 2030-01-31T12:00:00Z, or how long from now, as 90m or 7d.
    #[arg(long, value_name = "TIME|DURATION", value_parser = parse_when)]
    pub(crate) expire: Option<When>,
    /// Leave it worn or not as it is, if the user has it already.
    #[arg(long)]
    pub(crate) keep_active: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Define {
    /// The room.
    pub(crate) room: String,
    /// The hat.
    pub(crate) hat: String,
    /// What is displayed for it [default: its id].
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) title: String,
    /// Its title in a language (BCP 47); may be given again.
    #[arg(long = "title-in", value_name = "LANGUAGE=TITLE", value_parser = parse_title)]
    pub(crate) titles: Vec<(String, String)>,
    /// Its hue angle in degrees, from 0 to less than 360.
    #[arg(long, value_name = "DEGREES")]
    pub(crate) hue: Option<f64>,
    /// Where it stands among others: rising, then by id.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) position: i32,
    /// What it is for.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// Users may claim it.
    #[arg(long)]
    pub(crate) self_assignable: bool,
    #[command(flatten)]
    pub(crate) etag: Etag,
    #[command(flatten)]
    pub(crate) write: Write,
}

/// A hat of a room.
#[derive(Debug, Args)]
pub(crate) struct RoomHat {
    /// The room.
    pub(crate) room: String,
    /// The hat.
    pub(crate) hat: String,
    #[command(flatten)]
    pub(crate) write: Write,
}

/// A user and one of the user's own hats.
#[derive(Debug, Args)]
pub(crate) struct Wardrobe {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) etag: Etag,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The file, or - for standard input.
    pub(crate) file: PathBuf,
    /// Make users who are not listed NONE, in lines that name no mode.
    #[arg(long)]
    pub(crate) replace: bool,
    /// How many hats may be removed at most: if it would be more, nothing happens.
    #[arg(long, default_value_t = 0)]
    pub(crate) max_removed_hats: u32,
    #[command(flatten)]
    pub(crate) write: Write,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Watch a room; may be given again.
    #[arg(long = "room", value_name = "ROOM")]
    pub(crate) rooms: Vec<String>,
    /// Watch a user in all rooms or, with one --room, in that room; may be given again.
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// Watch all rooms of a domain; may be given again.
    #[arg(long = "domain", value_name = "DOMAIN")]
    pub(crate) domains: Vec<String>,
    /// Start after this token: of a watch of the same, or of any read or write.
    #[arg(long, value_name = "TOKEN", group = "start")]
    pub(crate) from: Option<String>,
    /// Start with the next change (the default).
    #[arg(long, group = "start")]
    pub(crate) now: bool,
    /// Start with the state.
    #[arg(long, group = "start")]
    pub(crate) snapshot: bool,
    /// Fail if the token cannot be resumed, instead of starting with the state.
    #[arg(long, requires = "from")]
    pub(crate) fail_if_expired: bool,
    #[command(flatten)]
    pub(crate) read: Read,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Import {
    /// The file, or - for standard input, which is then kept in memory.
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    how: ImportOptions,
    #[command(subcommand)]
    other: Option<ImportOther>,
}

impl Import {
    /// Whether nothing is to be sent.
    pub(crate) fn is_dry_run(&self) -> bool {
        match &self.other {
            Some(ImportOther::Prosody { how, .. }) => how.dry_run,
            None => self.how.dry_run,
        }
    }

    /// What to import, and how.
    pub(crate) fn into_parts(self) -> (ImportFrom, ImportOptions) {
        match (self.other, self.file) {
            (Some(ImportOther::Prosody { data_dir, how }), _) => {
                (ImportFrom::Prosody(data_dir), how)
            }
            (None, file) => (ImportFrom::File(file.unwrap_or_default()), self.how),
        }
    }
}

/// What is imported.
pub(crate) enum ImportFrom {
    /// A JSON lines file.
    File(PathBuf),
    /// The data directory of a Prosody.
    Prosody(PathBuf),
}

#[derive(Debug, Subcommand)]
enum ImportOther {
    /// Bring over what a Prosody keeps: rooms, affiliations, and hats of `mod_muc_hats_api`.
    ///
    /// All persistent rooms of all MUC components in Prosody's data directory are read, as its
    /// internal storage keeps them; Prosody may run meanwhile. (Of another storage, Prosody's own
    /// migrator makes an internal one first.) Each user gets exactly the hats that Prosody has for
    /// the user, with their titles; catalogues stay empty.
    ///
    /// What hatd does not take is named, each with why, and the rest is imported: a hat id that is
    /// no URI, a title of more than one line or 256 bytes, hats of outcasts or of users who do not
    /// belong to the room. The exit code is then 1.
    Prosody {
        /// Prosody's data directory, such as /var/lib/prosody.
        #[arg(value_name = "DIR")]
        data_dir: PathBuf,
        #[command(flatten)]
        how: ImportOptions,
    },
}

/// How an import is done.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct ImportOptions {
    /// Read and check the file, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave lengths and counts to the server, for one whose limits were raised.
    #[arg(long)]
    pub(crate) any_size: bool,
    /// How many hats affiliations of NONE and OUTCAST may remove at most, in one call.
    #[arg(long, default_value_t = 0)]
    pub(crate) max_removed_hats: u32,
    #[command(flatten)]
    pub(crate) context: Context,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Only this room; may be given again.
    #[arg(long = "room", value_name = "ROOM", conflicts_with = "domain")]
    pub(crate) rooms: Vec<String>,
    /// Only rooms of this domain.
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// The file, or - for standard output.
    pub(crate) file: PathBuf,
}

/// What every write takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Write {
    /// Makes the write once, however often it is sent with this id [default: a new UUID].
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) request_id: String,
    #[command(flatten)]
    pub(crate) context: Context,
}

/// Who asked for a write, and why.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Context {
    /// Who asked for it, for watchers and the record.
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Why, for watchers and the record.
    #[arg(long)]
    pub(crate) reason: Option<String>,
}

impl Context {
    /// Returns the contract's context, if anything was said.
    pub(crate) fn into_pb(self) -> Option<pb::Context> {
        (self.actor.is_some() || self.reason.is_some()).then(|| pb::Context {
            actor: self.actor.unwrap_or_default(),
            reason: self.reason.unwrap_or_default(),
        })
    }
}

/// What a write of one record takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Etag {
    /// Write only if this is still the record's etag.
    #[arg(long = "etag", value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub(crate) value: String,
}

/// What every read takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Read {
    /// Read a state that includes this position: the token of any answer.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    pub(crate) at_least_token: String,
}

/// What every list takes.
// A subcommand `List` makes a group of its own name, and two of one name are an error.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct List {
    /// How many to list at most [default: all].
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) read: Read,
}

/// Hats given as JSON.
#[derive(Clone, Debug)]
pub(crate) struct HatsArg(pub(crate) Hats);

fn parse_hats(text: &str) -> Result<HatsArg, String> {
    #[derive(serde::Deserialize)]
    struct Documented {
        hats: Hats,
    }

    // The documented JSON has them under "hats", which is no URI and so no hat.
    match serde_json::from_str(text) {
        Ok(Documented { hats }) => Ok(HatsArg(hats)),
        Err(_) => serde_json::from_str(text).map(HatsArg).map_err(|error| error.to_string()),
    }
}

fn parse_title(text: &str) -> Result<(String, String), String> {
    let (language, title) = text.split_once('=').ok_or("it lacks the =")?;
    Ok((language.to_owned(), title.to_owned()))
}

/// Parses the words of an enum, so that help and completion list them.
fn words<T: Word + Send + std::marker::Sync + 'static>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::words()).try_map(|word| T::parse(&word))
}

/// Reads the command line.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hats_are_json_bare_or_as_documented() {
        let bare = parse_hats(r#"{"urn:a": {"active": true}}"#).unwrap().0;
        assert_eq!(parse_hats(r#"{"hats": {"urn:a": {"active": true}}}"#).unwrap().0, bare);
        assert!(bare["urn:a"].active);
        assert!(!parse_hats(r#"{"urn:a": {}}"#).unwrap().0["urn:a"].active);
        assert!(parse_hats(r#"{"urn:a": {"activ": true}}"#).is_err());
    }
}
