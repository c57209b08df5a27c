//! Arguments that commands share, and those of commands that have many.

use std::path::PathBuf;

use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use hatd_client::pb;

use crate::{
    json::{Hats, Word},
    time::{When, parse_when},
};

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

pub(super) fn parse_hats(text: &str) -> Result<HatsArg, String> {
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
pub(super) fn words<T: Word + Send + std::marker::Sync + 'static>()
-> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::words()).try_map(|word| T::parse(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hats_are_json_bare_or_as_documented() {
        let bare = parse_hats(r#"{"urn:a": {"active": true}}"#).unwrap().0;
        assert_eq!(parse_hats(r#"{"hats": {"urn:a": {"active": true}}}"#).unwrap().0, bare);
        assert!(bare["urn:a"].active);
        assert!(!parse_hats(r#"{"urn:a": {}}"#).unwrap().0["urn:a"].active);
        assert!(parse_hats(r#"{"urn:a": {"activ": true}}"#).is_err());
    }
}
