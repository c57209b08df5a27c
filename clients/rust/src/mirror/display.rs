//! Hats as they are displayed.

use std::{collections::BTreeMap, sync::Arc};

use crate::pb;

/// A hat that a user wears, as it is displayed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DisplayedHat {
    /// The hat: an absolute URI (RFC 3986).
    pub hat_id: String,
    /// What to display, never empty: the user's own title, else the definition's, else the hat id.
    /// In a room of [`HatPolicy::DefinedOnly`](pb::HatPolicy::DefinedOnly), the definition's title
    /// comes first.
    pub title: String,
    /// The hue angle in degrees, 0 to 360 (XEP-0392). None: the definition has none, or there is no
    /// definition.
    pub hue: Option<f64>,
    /// How the user has the hat.
    pub attachment: pb::Attachment,
    /// What the room's catalogue says of the hat, if it does.
    pub definition: Option<Arc<pb::HatDefinition>>,
}

/// Returns the active hats of a document: those that are defined by position, then the others, each
/// by hat id.
pub(super) fn hats(
    document: &pb::UserHats,
    definition: impl Fn(&str) -> Option<Arc<pb::HatDefinition>>,
    policy: pb::HatPolicy,
    language: Option<&str>,
) -> Vec<DisplayedHat> {
    let active = document.hats.iter().filter(|(_, attachment)| attachment.active);
    let mut hats: Vec<_> = active
        .map(|(hat_id, attachment)| {
            let definition = definition(hat_id);
            let own = Some(attachment.title.as_str());
            let defined = definition.as_deref().map(|definition| title(definition, language));
            let titles = match policy {
                pb::HatPolicy::DefinedOnly => [defined, own],
                pb::HatPolicy::AnyUri | pb::HatPolicy::Unspecified => [own, defined],
            };
            let title = titles.into_iter().flatten().find(|title| !title.is_empty());
            DisplayedHat {
                hat_id: hat_id.clone(),
                title: title.unwrap_or(hat_id).to_owned(),
                hue: definition.as_deref().and_then(|definition| definition.hue),
                attachment: attachment.clone(),
                definition,
            }
        })
        .collect();
    // They are by hat id already, and the sort is stable.
    hats.sort_by_key(|hat| match &hat.definition {
        Some(definition) => (false, definition.position),
        None => (true, 0),
    });
    hats
}

/// The title of a definition in a language, if it has one there.
fn title<'a>(definition: &'a pb::HatDefinition, language: Option<&str>) -> &'a str {
    language.and_then(|language| lookup(&definition.titles, language)).unwrap_or(&definition.title)
}

/// Finds the title for a language by lookup (RFC 4647, section 3.4): the language is shortened from
/// the right until a title has it, without regard to case. A subtag of one letter goes with the one
/// after it.
fn lookup<'a>(titles: &'a BTreeMap<String, String>, language: &str) -> Option<&'a str> {
    let mut range = language;
    loop {
        let found =
            titles.iter().find(|(tag, title)| tag.eq_ignore_ascii_case(range) && !title.is_empty());
        if let Some((_, title)) = found {
            return Some(title);
        }
        let (mut shorter, _) = range.rsplit_once('-')?;
        if let Some((rest, subtag)) = shorter.rsplit_once('-')
            && subtag.len() == 1
        {
            shorter = rest;
        }
        range = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAT: &str = "urn:hat:1";

    fn attachment(title: &str) -> pb::Attachment {
        pb::Attachment { active: true, title: title.into(), ..Default::default() }
    }

    fn definition(hat_id: &str, title: &str, position: i32) -> Arc<pb::HatDefinition> {
        let titles = [("de", "Hut"), ("zh-Hant", "帽子"), ("en-x-den", "Lid"), ("fr", "")];
        Arc::new(pb::HatDefinition {
            hat_id: hat_id.into(),
            title: title.into(),
            titles: titles.map(|(tag, title)| (tag.to_owned(), title.to_owned())).into(),
            hue: Some(120.0),
            position,
            ..Default::default()
        })
    }

    /// The title of a hat with these titles, where each may be empty.
    fn shown(own: &str, defined: Option<&str>, policy: pb::HatPolicy) -> String {
        let document =
            pb::UserHats { hats: [(HAT.to_owned(), attachment(own))].into(), ..Default::default() };
        let definition = |_: &str| defined.map(|title| definition(HAT, title, 0));
        hats(&document, definition, policy, None).remove(0).title
    }

    #[test]
    fn a_title_is_the_users_then_the_rooms_then_the_id() {
        for policy in [pb::HatPolicy::Unspecified, pb::HatPolicy::AnyUri] {
            assert_eq!(shown("own", Some("defined"), policy), "own");
            assert_eq!(shown("", Some("defined"), policy), "defined");
            assert_eq!(shown("", Some(""), policy), HAT);
            assert_eq!(shown("", None, policy), HAT);
        }
    }

    #[test]
    fn the_rooms_title_comes_first_where_only_defined_hats_are_put_on() {
        let policy = pb::HatPolicy::DefinedOnly;
        assert_eq!(shown("own", Some("defined"), policy), "defined");
        assert_eq!(shown("own", Some(""), policy), "own");
        assert_eq!(shown("own", None, policy), "own");
        assert_eq!(shown("", None, policy), HAT);
    }

    #[test]
    fn only_active_hats_are_displayed_and_the_undefined_are_last() {
        let mut worn: BTreeMap<_, _> = ["urn:a", "urn:b", "urn:c", "urn:d", "urn:e"]
            .map(|id| (id.into(), attachment("")))
            .into();
        worn.insert("urn:0".into(), pb::Attachment::default());
        let document = pb::UserHats { hats: worn, ..Default::default() };
        let definition = |hat_id: &str| match hat_id {
            "urn:c" | "urn:d" => Some(definition(hat_id, "", -1)),
            "urn:b" => Some(definition(hat_id, "", 5)),
            _ => None,
        };
        let hats = hats(&document, definition, pb::HatPolicy::AnyUri, None);
        let ids: Vec<_> = hats.iter().map(|hat| hat.hat_id.as_str()).collect();
        assert_eq!(ids, ["urn:c", "urn:d", "urn:b", "urn:a", "urn:e"]);
        assert_eq!((hats[0].hue, hats[3].hue), (Some(120.0), None));
    }

    #[test]
    fn a_language_is_looked_up_from_the_right() {
        let definition = definition(HAT, "Hat", 0);
        for (language, expected) in [
            ("de", "Hut"),
            ("DE-at", "Hut"),
            ("de-x-den", "Hut"),
            ("zh-hant-tw-x-a-b", "帽子"),
            ("zh", "Hat"),
            ("zh-Hans", "Hat"),
            ("en-x-den-old", "Lid"),
            ("en-x", "Hat"),
            ("fr", "Hat"),
            ("x-den", "Hat"),
            ("", "Hat"),
            ("-", "Hat"),
        ] {
            assert_eq!(title(&definition, Some(language)), expected, "{language}");
        }
        assert_eq!(title(&definition, None), "Hat");
    }
}
