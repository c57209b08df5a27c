//! Times and durations on the command line.

use std::{
    str::FromStr as _,
    time::{Duration, SystemTime},
};

use hatd_client::Timestamp;

/// A time, or how long from now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    At(Timestamp),
    After(Duration),
}

impl When {
    /// Returns the time, of which `now` is the present.
    pub(crate) fn from(self, now: SystemTime) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::After(duration) => (now + duration).into(),
        }
    }
}

/// Reads a time of RFC 3339, or a duration.
pub(crate) fn parse_when(text: &str) -> Result<When, String> {
    if let Ok(duration) = parse_duration(text) {
        return Ok(When::After(duration));
    }
    Timestamp::from_str(text).map(When::At).map_err(|_| {
        format!("{text:?} is neither a time, as 2030-01-31T12:00:00Z, nor a duration, as 90m")
    })
}

/// Reads a duration: a whole number with a unit, `500ms`, `90s`, `15m`, `12h` or `7d`. Without a
/// unit it is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    number
        .parse::<u64>()
        .ok()
        // A century is as good as for ever, and no sum with it overflows.
        .and_then(|number| number.checked_mul(unit_ms).filter(|ms| *ms <= 36_525 * 86_400_000))
        .filter(|_| unit_ms > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("{text:?} is not a duration, such as 500ms, 90s, 15m, 12h or 7d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let seconds = |text: &str| parse_duration(text).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("500ms"), Ok(0.5));
        assert_eq!(seconds("90"), Ok(90.0));
        assert_eq!(seconds("15m"), Ok(900.0));
        assert_eq!(seconds("12h"), Ok(43_200.0));
        assert_eq!(seconds("7d"), Ok(604_800.0));
        for bad in ["", "m", "-1s", "1.5h", "1w", "1 s", "99999999999999999999s", "40000d"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_when_is_a_time_or_a_duration_from_now() {
        let now = SystemTime::UNIX_EPOCH;
        let at = |text: &str| parse_when(text).map(|when| when.from(now).to_string());
        assert_eq!(at("2030-01-31T12:00:00Z"), Ok("2030-01-31T12:00:00Z".to_owned()));
        assert_eq!(at("1h"), Ok("1970-01-01T01:00:00Z".to_owned()));
        assert!(at("tomorrow").is_err());
    }
}
