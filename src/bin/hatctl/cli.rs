//! The command line.

#![expect(clippy::doc_markdown, reason = "the comments are the help, which is plain text")]

mod arguments;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use hatd_client::pb;

pub(crate) use self::arguments::{
    Attachment, Define, Etag, Export, HatsArg, Import, ImportFrom, List, Read, RoomHat, Sync,
    Target, Wardrobe, Watch, Write,
};
use self::arguments::{parse_hats, words};
use crate::{errors::EXIT_CODES, time::parse_duration};

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
}
