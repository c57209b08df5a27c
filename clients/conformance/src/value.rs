//! What is saved, filled in and compared.

#![expect(clippy::wildcard_enum_match_arm, reason = "one of the six kinds of JSON is meant")]

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use serde_json::{Map, Value};

/// The values that a case has saved, by name.
#[derive(Clone, Debug, Default)]
pub struct Scope(BTreeMap<String, Value>);

impl Scope {
    /// Returns this scope with one more value.
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut scope = self.clone();
        scope.set(name, value);
        scope
    }

    /// Saves a value.
    pub fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Shows the values, to tell runs of a case apart.
    pub fn describe(&self) -> String {
        let values = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        values.collect::<Vec<_>>().join(" ")
    }

    /// Fills in a value:
    ///
    /// - the text `$name.field.0` becomes what is saved there, of whatever kind;
    /// - `{fill: TEXT, bytes: N}` becomes the text, prolonged to that length by `a`;
    /// - `{each: N, item: VALUE}` becomes a list of N values, with `$i` counting from 0;
    /// - `{join: [VALUE, …]}` becomes one text.
    ///
    /// # Errors
    ///
    /// If nothing is saved there.
    pub fn fill(&self, value: &Value) -> Result<Value> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(path) => self.get(path)?.clone(),
                None => value.clone(),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill(item)).collect::<Result<_>>()?)
            }
            Value::Object(object) => self.fill_object(object)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn fill_object(&self, object: &Map<String, Value>) -> Result<Value> {
        let number = |key: &str| -> Result<usize> {
            let value = self.fill(object.get(key).unwrap_or(&Value::Null))?;
            let number = value.as_u64().ok_or_else(|| anyhow!("{key} is no number: {value}"))?;
            Ok(usize::try_from(number)?)
        };
        if let Some(text) = object.get("fill") {
            let mut text = text_of(&self.fill(text)?);
            let bytes = number("bytes")?;
            text.extend(std::iter::repeat_n('a', bytes.saturating_sub(text.len())));
            return Ok(Value::String(text));
        }
        if let (Some(_), Some(item)) = (object.get("each"), object.get("item")) {
            let items = (0..number("each")?)
                .map(|index| self.with("i", index.into()).fill(item))
                .collect::<Result<_>>()?;
            return Ok(Value::Array(items));
        }
        if let Some(Value::Array(parts)) = object.get("join") {
            let parts = parts.iter().map(|part| Ok(text_of(&self.fill(part)?)));
            return Ok(Value::String(parts.collect::<Result<String>>()?));
        }
        let entries = object.iter().map(|(key, value)| {
            let key = match key.strip_prefix('$') {
                Some(path) => text_of(self.get(path)?),
                None => key.clone(),
            };
            Ok((key, self.fill(value)?))
        });
        Ok(Value::Object(entries.collect::<Result<_>>()?))
    }

    fn get(&self, path: &str) -> Result<&Value> {
        let mut names = path.split('.');
        let name = names.next().unwrap_or_default();
        let mut value = self.0.get(name).ok_or_else(|| anyhow!("nothing is saved as {name}"))?;
        for name in names {
            let inner = match name.parse::<usize>() {
                Ok(index) => value.get(index),
                Err(_) => value.get(name),
            };
            value = inner.ok_or_else(|| anyhow!("{value} has no {name}"))?;
        }
        Ok(value)
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Compares what came with what must come.
///
/// An object must hold at least what is named, a list exactly its items, in order. What JSON leaves
/// out is the default. Some texts are patterns: `<any>` is anything but the default, `<default>` the
/// default, `<at least N>` and `<at most N>` are numbers, `<length N>` is a list, `<holds TEXT>` and
/// `<one of A B>` are texts.
///
/// # Errors
///
/// Says where the two differ.
pub fn compare(expected: &Value, actual: &Value) -> Result<()> {
    compare_at("", expected, actual)
}

fn compare_at(path: &str, expected: &Value, actual: &Value) -> Result<()> {
    let differ = || anyhow!("{path}: expected {expected}, got {actual}");
    match expected {
        Value::Object(fields) => {
            for (name, expected) in fields {
                let actual = actual.get(name).unwrap_or(&Value::Null);
                compare_at(&format!("{path}.{name}"), expected, actual)?;
            }
            if actual.is_object() || fields.is_empty() && is_default(actual) {
                Ok(())
            } else {
                Err(differ())
            }
        }
        Value::Array(items) => {
            let empty = Vec::new();
            let actual_items = match actual {
                Value::Array(actual) => actual,
                Value::Null => &empty,
                _ => bail!(differ()),
            };
            if items.len() != actual_items.len() {
                bail!(differ());
            }
            for (index, (expected, actual)) in items.iter().zip(actual_items).enumerate() {
                compare_at(&format!("{path}.{index}"), expected, actual)?;
            }
            Ok(())
        }
        Value::String(text) if text.starts_with('<') && text.ends_with('>') => {
            matches_pattern(text, actual).then_some(()).ok_or_else(differ)
        }
        _ => {
            let same = match (number(expected), number(actual)) {
                (Some(expected), Some(actual)) => (expected - actual).abs() < 1e-9,
                _ => expected == actual,
            };
            let both_default = is_default(expected) && is_default(actual);
            (same || both_default).then_some(()).ok_or_else(differ)
        }
    }
}

fn matches_pattern(pattern: &str, actual: &Value) -> bool {
    let bound = |prefix: &str| -> Option<f64> {
        pattern.strip_prefix(prefix)?.strip_suffix('>')?.trim().parse().ok()
    };
    let inner = pattern.trim_start_matches('<').trim_end_matches('>');
    if let Some(part) = inner.strip_prefix("holds ") {
        return actual.as_str().is_some_and(|actual| actual.contains(part));
    }
    if let Some(choices) = inner.strip_prefix("one of ") {
        return choices.split(' ').any(|choice| actual.as_str() == Some(choice));
    }
    if let Some(length) = inner.strip_prefix("length ") {
        return actual.as_array().map(Vec::len) == length.parse().ok();
    }
    match pattern {
        "<any>" => !is_default(actual),
        "<default>" => is_default(actual),
        _ => match (bound("<at least "), bound("<at most "), number(actual)) {
            (Some(least), _, Some(actual)) => actual >= least,
            (_, Some(most), Some(actual)) => actual <= most,
            _ => false,
        },
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty() || value == "0",
        Value::Array(value) => value.is_empty(),
        Value::Object(value) => value.is_empty(),
    }
}

/// JSON from protobuf writes 64-bit integers as text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_saved_is_filled_in() {
        let scope = Scope::default().with("given", json!({"users": [{"etag": "7"}]}));
        let filled = scope.fill(&json!({
            "etag": "$given.users.0.etag",
            "id": {"fill": "urn:", "bytes": 6},
            "list": {"each": 2, "item": {"join": ["u", "$i"]}},
        }));
        let expected = json!({"etag": "7", "id": "urn:aa", "list": ["u0", "u1"]});
        assert_eq!(filled.unwrap(), expected);
        assert!(scope.fill(&json!("$given.rooms")).is_err());
    }

    #[test]
    fn an_object_may_hold_more_and_a_list_may_not() {
        assert!(compare(&json!({"a": 1}), &json!({"a": "1", "b": 2})).is_ok());
        assert!(compare(&json!({"a": 1}), &json!({"b": 2})).is_err());
        assert!(compare(&json!([1]), &json!([1, 2])).is_err());
        assert!(compare(&json!({"changed": false, "hats": {}}), &json!({})).is_ok());
        assert!(compare(&json!({"changed": false}), &json!({"changed": true})).is_err());
        assert!(compare(&json!({}), &json!("text")).is_err());
    }

    #[test]
    fn patterns_stand_for_many_values() {
        assert!(compare(&json!("<any>"), &json!("token")).is_ok());
        assert!(compare(&json!("<any>"), &json!("")).is_err());
        assert!(compare(&json!("<default>"), &json!(null)).is_ok());
        assert!(compare(&json!("<at least 2>"), &json!(2)).is_ok());
        assert!(compare(&json!("<at least 2>"), &json!(1)).is_err());
        assert!(compare(&json!("<at most 2>"), &json!(3)).is_err());
    }
}
