//! From messages to the domain: what is not valid ends here, with the field's path.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::command::{Operation, Precondition, RoomSettings, SyncEntry, Target, UserRange};
use crate::commit::Token;
use crate::hat::{
    Affiliation, Attachment, Context, Eligibility, HatDefinition, HatId, HatPolicy, Hue,
    LanguageTag, Revision, Title, check_line, check_text,
};
use crate::jid::{Domain, InvalidJid, RoomJid, UserJid};
use crate::limits::Limits;
use crate::pb::{self, ErrorReason};
use crate::status::Invalid;
use crate::store::PageLimit;
use crate::time::Timestamp;
use crate::watch::{OnExpired, Selector, Selectors};

/// The silence that a watch may ask for. The contract says so.
const HEARTBEAT_MIN: Duration = Duration::from_secs(1);
const HEARTBEAT_MAX: Duration = Duration::from_mins(1);
const HEARTBEAT_DEFAULT: Duration = Duration::from_secs(15);

/// Parses under the operator's limits.
#[derive(Clone, Copy)]
pub(super) struct Parser<'a> {
    pub(super) limits: &'a Limits,
}

/// A room's JID in a field.
pub(super) fn room_jid(field: &str, text: &str) -> Result<RoomJid, Invalid> {
    RoomJid::parse(text).map_err(|error| jid(ErrorReason::InvalidRoomJid, field, error))
}

/// A user's JID in a field.
pub(super) fn user_jid(field: &str, text: &str) -> Result<UserJid, Invalid> {
    UserJid::parse(text).map_err(|error| jid(ErrorReason::InvalidUserJid, field, error))
}

/// A domain in a field; none if it is empty.
pub(super) fn domain(field: &str, text: &str) -> Result<Option<Domain>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    let domain = Domain::parse(text);
    domain.map(Some).map_err(|error| jid(ErrorReason::InvalidField, field, error))
}

fn jid(reason: ErrorReason, field: &str, error: InvalidJid) -> Invalid {
    Invalid { reason, field: field.to_owned(), what: error.to_string() }
}

/// A token in a field.
pub(super) fn token(field: &str, text: &str) -> Result<Token, Invalid> {
    Token::decode(text).map_err(|error| invalid_token(field, error.to_string()))
}

fn invalid_token(field: &str, what: String) -> Invalid {
    Invalid { reason: ErrorReason::InvalidToken, field: field.to_owned(), what }
}

/// An etag to compare with; none if it is empty.
pub(super) fn etag(text: String) -> Option<String> {
    Some(text).filter(|etag| !etag.is_empty())
}

/// A user in a room, and the etag that the document must have.
pub(super) fn target(room: &str, user: &str, wanted: String) -> Result<Target, Invalid> {
    let room_jid = room_jid("room_jid", room)?;
    let user_jid = user_jid("user_jid", user)?;
    Ok(Target { room_jid, user_jid, etag: etag(wanted) })
}

/// An affiliation that must be said.
pub(super) fn affiliation(field: &str, number: i32) -> Result<Affiliation, Invalid> {
    match pb::Affiliation::try_from(number) {
        Ok(pb::Affiliation::Owner) => Ok(Affiliation::Owner),
        Ok(pb::Affiliation::Admin) => Ok(Affiliation::Admin),
        Ok(pb::Affiliation::Member) => Ok(Affiliation::Member),
        Ok(pb::Affiliation::None) => Ok(Affiliation::None),
        Ok(pb::Affiliation::Outcast) => Ok(Affiliation::Outcast),
        Ok(pb::Affiliation::Unspecified) => {
            Err(Invalid::field(field, "an affiliation is required"))
        }
        Err(_) => Err(unknown(field, number)),
    }
}

/// The settings of a room.
pub(super) fn settings(
    prefix: &str,
    hat_policy: i32,
    eligibility: i32,
) -> Result<RoomSettings, Invalid> {
    let hat_policy = match pb::HatPolicy::try_from(hat_policy) {
        Ok(pb::HatPolicy::Unspecified) => None,
        Ok(pb::HatPolicy::AnyUri) => Some(HatPolicy::AnyUri),
        Ok(pb::HatPolicy::DefinedOnly) => Some(HatPolicy::DefinedOnly),
        Err(_) => return Err(unknown(&format!("{prefix}hat_policy"), hat_policy)),
    };
    let eligibility = match pb::Eligibility::try_from(eligibility) {
        Ok(pb::Eligibility::Unspecified) => None,
        Ok(pb::Eligibility::Affiliated) => Some(Eligibility::Affiliated),
        Ok(pb::Eligibility::Anyone) => Some(Eligibility::Anyone),
        Err(_) => return Err(unknown(&format!("{prefix}eligibility"), eligibility)),
    };
    Ok(RoomSettings { hat_policy, eligibility })
}

fn unknown(field: &str, number: i32) -> Invalid {
    Invalid::field(field, format!("{number} is not a value of this field"))
}

/// A point in time.
fn timestamp(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Invalid> {
    Timestamp::new(time.seconds, time.nanos)
        .ok_or_else(|| Invalid::field(field, "not a time from year 1 to 9999"))
}

impl Parser<'_> {
    /// A hat id in a field.
    pub(super) fn hat_id(self, field: &str, text: &str) -> Result<HatId, Invalid> {
        HatId::parse(text, self.limits.hat_id_bytes_max).map_err(|error| Invalid {
            reason: ErrorReason::InvalidHatId,
            field: field.to_owned(),
            what: error.to_string(),
        })
    }

    fn title(self, field: &str, text: &str) -> Result<Title, Invalid> {
        Title::parse(text, self.limits.title_bytes_max).map_err(|error| Invalid {
            reason: ErrorReason::InvalidTitle,
            field: field.to_owned(),
            what: error.to_string(),
        })
    }

    /// A title that need not be there.
    fn optional_title(self, field: &str, text: &str) -> Result<Option<Title>, Invalid> {
        if text.is_empty() { Ok(None) } else { self.title(field, text).map(Some) }
    }

    /// An attachment; the empty one if it is not there.
    pub(super) fn attachment(
        self,
        field: &str,
        attachment: Option<pb::Attachment>,
    ) -> Result<Attachment, Invalid> {
        let Some(attachment) = attachment else { return Ok(Attachment::default()) };
        let title = self.optional_title(&format!("{field}.title"), &attachment.title)?;
        let expire_time = attachment
            .expire_time
            .map(|time| timestamp(&format!("{field}.expire_time"), time))
            .transpose()?;
        let pb::Attachment { active, required, .. } = attachment;
        Ok(Attachment { active, required, title, expire_time, given: None })
    }

    /// A user's hats, by hat id.
    pub(super) fn hats(
        self,
        field: &str,
        hats: BTreeMap<String, pb::Attachment>,
    ) -> Result<BTreeMap<HatId, Attachment>, Invalid> {
        let hats = hats.into_iter().map(|(hat, attachment)| {
            let field = format!("{field}[{hat:?}]");
            let hat_id = self.hat_id(&field, &hat)?;
            Ok((hat_id, self.attachment(&field, Some(attachment))?))
        });
        hats.collect()
    }

    /// A prefix of hat ids: no longer than a hat id.
    pub(super) fn hat_id_prefix(self, field: &str, prefix: String) -> Result<String, Invalid> {
        let max = self.limits.hat_id_bytes_max;
        if prefix.len() > max {
            return Err(Invalid::field(field, format!("longer than {max} bytes")));
        }
        Ok(prefix)
    }

    /// A definition.
    pub(super) fn definition(
        self,
        definition: Option<pb::HatDefinition>,
    ) -> Result<HatDefinition, Invalid> {
        let Some(definition) = definition else {
            return Err(Invalid::field("definition", "a definition is required"));
        };
        let hat_id = self.hat_id("definition.hat_id", &definition.hat_id)?;
        let title = self.optional_title("definition.title", &definition.title)?;
        let max = self.limits.localised_titles_max;
        if definition.titles.len() > max {
            return Err(Invalid::field("definition.titles", format!("more than {max} titles")));
        }
        let mut titles = BTreeMap::new();
        for (language, title) in &definition.titles {
            let field = format!("definition.titles[{language:?}]");
            let tag = LanguageTag::parse(language)
                .map_err(|error| Invalid::field(field.as_str(), error.to_string()))?;
            if titles.insert(tag, self.title(&field, title)?).is_some() {
                return Err(Invalid::field(field, "the language is there twice"));
            }
        }
        let hue = match definition.hue {
            None => None,
            Some(degrees) => Some(Hue::new(degrees).ok_or_else(|| {
                Invalid::field("definition.hue", "not an angle from 0 to below 360 degrees")
            })?),
        };
        check_text(&definition.description, self.limits.description_bytes_max)
            .map_err(|error| Invalid::field("definition.description", error.to_string()))?;
        let pb::HatDefinition { position, description, self_assignable, .. } = definition;
        let revision = Revision::NONE;
        Ok(HatDefinition {
            hat_id,
            title,
            titles,
            hue,
            position,
            description,
            self_assignable,
            revision,
        })
    }

    /// Who asked, and why; none if neither is said.
    pub(super) fn context(self, context: Option<pb::Context>) -> Result<Option<Context>, Invalid> {
        let Some(pb::Context { actor, reason }) = context else { return Ok(None) };
        check_line(&actor, self.limits.actor_bytes_max)
            .map_err(|error| Invalid::field("context.actor", error.to_string()))?;
        check_line(&reason, self.limits.reason_bytes_max)
            .map_err(|error| Invalid::field("context.reason", error.to_string()))?;
        let said = !actor.is_empty() || !reason.is_empty();
        Ok(said.then_some(Context { actor, reason }))
    }

    /// A request id; none if it is empty.
    pub(super) fn request_id(self, request_id: String) -> Result<Option<String>, Invalid> {
        check_line(&request_id, self.limits.request_id_bytes_max)
            .map_err(|error| Invalid::field("request_id", error.to_string()))?;
        Ok(Some(request_id).filter(|request_id| !request_id.is_empty()))
    }

    /// The users of `SetHatWearers`.
    pub(super) fn user_jids(self, texts: &[String]) -> Result<BTreeSet<UserJid>, Invalid> {
        let max = self.limits.wearers_listed_max;
        if texts.len() > max {
            return Err(Invalid::field("user_jids", format!("more than {max} users")));
        }
        let users = texts.iter().enumerate();
        users.map(|(index, text)| user_jid(&format!("user_jids[{index}]"), text)).collect()
    }

    /// The operations of `UpdateRoomHats`.
    pub(super) fn operations(
        self,
        operations: Vec<pb::HatOperation>,
    ) -> Result<Vec<Operation>, Invalid> {
        let max = self.limits.operations_per_commit_max;
        if operations.len() > max {
            return Err(Invalid::field("operations", format!("more than {max} operations")));
        }
        let operations = operations.into_iter().enumerate();
        operations.map(|(index, it)| self.operation(index, it.operation)).collect()
    }

    fn operation(
        self,
        index: usize,
        operation: Option<pb::hat_operation::Operation>,
    ) -> Result<Operation, Invalid> {
        let at = format!("operations[{index}]");
        match operation {
            None => Err(Invalid::field(at, "one of add, remove and set is required")),
            Some(pb::hat_operation::Operation::Add(add)) => Ok(Operation::Add {
                user_jid: user_jid(&format!("{at}.add.user_jid"), &add.user_jid)?,
                hat_id: self.hat_id(&format!("{at}.add.hat_id"), &add.hat_id)?,
                attachment: self.attachment(&format!("{at}.add.attachment"), add.attachment)?,
            }),
            Some(pb::hat_operation::Operation::Remove(remove)) => Ok(Operation::Remove {
                user_jid: user_jid(&format!("{at}.remove.user_jid"), &remove.user_jid)?,
                hat_id: self.hat_id(&format!("{at}.remove.hat_id"), &remove.hat_id)?,
            }),
            Some(pb::hat_operation::Operation::Set(set)) => Ok(Operation::Set {
                user_jid: user_jid(&format!("{at}.set.user_jid"), &set.user_jid)?,
                hats: self.hats(&format!("{at}.set.hats"), set.hats)?,
                prefix: self
                    .hat_id_prefix(&format!("{at}.set.hat_id_prefix"), set.hat_id_prefix)?,
            }),
        }
    }

    /// The preconditions of `UpdateRoomHats`.
    pub(super) fn preconditions(
        self,
        preconditions: Vec<pb::HatPrecondition>,
    ) -> Result<Vec<Precondition>, Invalid> {
        let max = self.limits.operations_per_commit_max;
        if preconditions.len() > max {
            return Err(Invalid::field("preconditions", format!("more than {max} preconditions")));
        }
        let preconditions = preconditions.into_iter().enumerate();
        preconditions.map(|(index, it)| self.precondition(index, it.condition)).collect()
    }

    fn precondition(
        self,
        index: usize,
        condition: Option<pb::hat_precondition::Condition>,
    ) -> Result<Precondition, Invalid> {
        let at = format!("preconditions[{index}]");
        match condition {
            None => Err(Invalid::field(at, "one of etag, has_hat and lacks_hat is required")),
            Some(pb::hat_precondition::Condition::Etag(pb::DocumentEtag {
                user_jid: user,
                etag,
            })) => {
                let user_jid = user_jid(&format!("{at}.etag.user_jid"), &user)?;
                Ok(Precondition::Etag { user_jid, etag })
            }
            Some(pb::hat_precondition::Condition::HasHat(hat)) => Ok(Precondition::HasHat {
                user_jid: user_jid(&format!("{at}.has_hat.user_jid"), &hat.user_jid)?,
                hat_id: self.hat_id(&format!("{at}.has_hat.hat_id"), &hat.hat_id)?,
            }),
            Some(pb::hat_precondition::Condition::LacksHat(hat)) => Ok(Precondition::LacksHat {
                user_jid: user_jid(&format!("{at}.lacks_hat.user_jid"), &hat.user_jid)?,
                hat_id: self.hat_id(&format!("{at}.lacks_hat.hat_id"), &hat.hat_id)?,
            }),
        }
    }

    /// The entries of `SyncRooms`.
    pub(super) fn sync_entries(self, entries: &[pb::SyncEntry]) -> Result<Vec<SyncEntry>, Invalid> {
        let max = self.limits.sync_entries_max;
        if entries.len() > max {
            return Err(Invalid::field("entries", format!("more than {max} entries")));
        }
        entries.iter().enumerate().map(|(index, it)| self.sync_entry(index, it)).collect()
    }

    fn sync_entry(self, index: usize, entry: &pb::SyncEntry) -> Result<SyncEntry, Invalid> {
        let at = format!("entries[{index}]");
        let room_jid = room_jid(&format!("{at}.room_jid"), &entry.room_jid)?;
        let settings = settings(&format!("{at}."), entry.hat_policy, entry.eligibility)?;
        let max = self.limits.sync_users_max;
        if entry.affiliations.len() > max {
            let what = format!("more than {max} users");
            return Err(Invalid::field(format!("{at}.affiliations"), what));
        }
        let mut affiliations = BTreeMap::new();
        for (index, user) in entry.affiliations.iter().enumerate() {
            let at = format!("{at}.affiliations[{index}]");
            let user_jid = user_jid(&format!("{at}.user_jid"), &user.user_jid)?;
            let affiliation = affiliation(&format!("{at}.affiliation"), user.affiliation)?;
            if affiliations.insert(user_jid, affiliation).is_some() {
                return Err(Invalid::field(at, "the user is listed twice"));
            }
        }
        let bound = |name: &str, text: &str| {
            if text.is_empty() {
                return Ok(None);
            }
            user_jid(&format!("{at}.{name}"), text).map(Some)
        };
        let range =
            UserRange { from: bound("from", &entry.from)?, until: bound("until", &entry.until)? };
        let replace = match pb::SyncMode::try_from(entry.mode) {
            Ok(pb::SyncMode::Replace) => Some(range),
            Ok(pb::SyncMode::Upsert) if range == UserRange::default() => None,
            Ok(pb::SyncMode::Upsert) => {
                return Err(Invalid::field(at, "from and until go with REPLACE"));
            }
            Ok(pb::SyncMode::Unspecified) => {
                return Err(Invalid::field(format!("{at}.mode"), "UPSERT or REPLACE is required"));
            }
            Err(_) => return Err(unknown(&format!("{at}.mode"), entry.mode)),
        };
        Ok(SyncEntry { room_jid, settings, affiliations, replace })
    }

    /// How much a page may hold.
    pub(super) fn page_limit(self, page_size: i32) -> Result<PageLimit, Invalid> {
        let max = self.limits.page_size_max;
        let items = match usize::try_from(page_size) {
            Ok(0) => self.limits.page_size_default.min(max),
            Ok(items) if items <= max => items,
            Ok(_) | Err(_) => {
                return Err(Invalid::field("page_size", format!("not from 0 to {max}")));
            }
        };
        Ok(PageLimit { items, bytes: self.limits.page_bytes_max })
    }

    /// What a watch is about.
    pub(super) fn selectors(self, selectors: &[pb::WatchSelector]) -> Result<Selectors, Invalid> {
        let max = self.limits.selectors_per_watch_max;
        if selectors.len() > max {
            return Err(Invalid::field("selectors", format!("more than {max} selectors")));
        }
        let parsed: Result<Vec<_>, _> =
            selectors.iter().enumerate().map(|(index, it)| selector(index, it)).collect();
        Ok(Selectors::new(parsed?))
    }
}

fn selector(index: usize, selector: &pb::WatchSelector) -> Result<Selector, Invalid> {
    let at = format!("selectors[{index}]");
    let pb::WatchSelector { room_jid: room, user_jid: user, room_domain } = selector;
    let room = || room_jid(&format!("{at}.room_jid"), room);
    let user = || user_jid(&format!("{at}.user_jid"), user);
    match (selector.room_jid.is_empty(), selector.user_jid.is_empty(), room_domain.is_empty()) {
        (true, true, true) => Ok(Selector::All),
        (false, true, true) => Ok(Selector::Room(room()?)),
        (true, false, true) => Ok(Selector::User(user()?)),
        (false, false, true) => Ok(Selector::RoomUser(room()?, user()?)),
        (true, true, false) => {
            let domain = domain(&format!("{at}.room_domain"), room_domain)?;
            Ok(domain.map_or(Selector::All, Selector::Domain))
        }
        (_, _, false) => {
            Err(Invalid::field(at, "room_domain does not go with room_jid or user_jid"))
        }
    }
}

/// Refuses a way of delivery that is not built.
pub(super) fn delivery(number: i32) -> Result<(), Invalid> {
    match pb::Delivery::try_from(number) {
        Ok(pb::Delivery::Unspecified | pb::Delivery::EveryCommit) => Ok(()),
        Ok(pb::Delivery::LatestState) => {
            Err(Invalid::field("delivery", "LATEST_STATE is not available: use EVERY_COMMIT"))
        }
        Err(_) => Err(unknown("delivery", number)),
    }
}

/// What to do with a position that cannot be resumed.
pub(super) fn on_expired(number: i32) -> Result<OnExpired, Invalid> {
    match pb::OnExpired::try_from(number) {
        Ok(pb::OnExpired::Unspecified | pb::OnExpired::Reset) => Ok(OnExpired::Reset),
        Ok(pb::OnExpired::Fail) => Ok(OnExpired::Fail),
        Err(_) => Err(unknown("on_expired", number)),
    }
}

/// How long a watch may be silent.
pub(super) fn heartbeat(interval: Option<prost_types::Duration>) -> Result<Duration, Invalid> {
    let Some(interval) = interval else { return Ok(HEARTBEAT_DEFAULT) };
    let refuse = || Invalid::field("heartbeat_interval", "not from 1 to 60 seconds");
    // Field by field, for the conversion of prost overflows on the least of all intervals.
    let seconds = u64::try_from(interval.seconds).map_err(|_| refuse())?;
    let nanos = u32::try_from(interval.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
    let interval = Duration::new(seconds, nanos.ok_or_else(refuse)?);
    if (HEARTBEAT_MIN..=HEARTBEAT_MAX).contains(&interval) { Ok(interval) } else { Err(refuse()) }
}

/// The token that a watch resumes: of no watch, or of one with the same selectors.
pub(super) fn resume_token(text: &str, selectors: &Selectors) -> Result<Token, Invalid> {
    let field = "resume_token";
    if text.is_empty() {
        return Err(invalid_token(field, "it is empty: start at a snapshot".to_owned()));
    }
    let token = token(field, text)?;
    match token.selectors {
        Some(hash) if hash != selectors.hash() => {
            Err(invalid_token(field, "it is of a watch with other selectors".to_owned()))
        }
        Some(_) | None => Ok(token),
    }
}
