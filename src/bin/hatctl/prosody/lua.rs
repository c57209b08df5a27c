//! Tables as Prosody's internal storage writes them: a file of Lua that returns one table of
//! literals. It is read, never run.

use std::fmt;

/// How deep tables stand in each other at most. A room's have four.
const DEPTH_MAX: usize = 32;

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    Table(Vec<(Self, Self)>),
}

impl Value {
    /// The value of a key, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let is = |(at, _): &&(Self, Self)| at.as_text() == Some(key);
        self.entries().iter().find(is).map(|(_, value)| value)
    }

    /// What a table holds; nothing, if this is none.
    pub(super) fn entries(&self) -> &[(Self, Self)] {
        match self {
            Self::Table(entries) => entries,
            Self::Nil | Self::Bool(_) | Self::Number(_) | Self::Text(_) => &[],
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nil | Self::Bool(_) | Self::Number(_) | Self::Table(_) => None,
        }
    }

    /// Whether a condition of Lua holds for it: 0 and the empty text count as true.
    pub(super) fn is_truthy(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Table(_) => f.write_str("a table"),
        }
    }
}

/// What is not as Prosody writes it, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// Reads a file.
pub(super) fn parse(file: &[u8]) -> Result<Value, Malformed> {
    let mut parser = Parser { rest: file, line: 1 };
    parser.skip_space();
    parser.expect(b"return", "the file does not begin with return")?;
    let value = parser.value(0)?;
    parser.skip_space();
    parser.take(b";");
    parser.skip_space();
    if parser.rest.is_empty() { Ok(value) } else { Err(parser.bad("something follows the value")) }
}

struct Parser<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.skip_space();
        match self.rest.first() {
            Some(b'"' | b'\'') => self.text().map(Value::Text),
            Some(b'{') if depth >= DEPTH_MAX => {
                Err(self.bad("tables stand too deep in each other"))
            }
            Some(b'{') => self.table(depth + 1).map(Value::Table),
            Some(b'-' | b'.' | b'0'..=b'9') => self.number().map(Value::Number),
            _ if self.take(b"true") => Ok(Value::Bool(true)),
            _ if self.take(b"false") => Ok(Value::Bool(false)),
            _ if self.take(b"nil") => Ok(Value::Nil),
            _ => Err(self.bad("no literal stands where one belongs")),
        }
    }

    fn table(&mut self, depth: usize) -> Result<Vec<(Value, Value)>, Malformed> {
        self.expect(b"{", "a table does not begin with {")?;
        let mut entries = Vec::new();
        let mut index = 0.0;
        loop {
            self.skip_space();
            if self.take(b"}") {
                return Ok(entries);
            }
            let key = if self.take(b"[") {
                let key = self.value(depth)?;
                self.skip_space();
                self.expect(b"]", "a key does not end with ]")?;
                self.skip_space();
                self.expect(b"=", "a key has no value")?;
                key
            } else {
                index += 1.0;
                Value::Number(index)
            };
            entries.push((key, self.value(depth)?));
            self.skip_space();
            let is_separated = self.take(b";") || self.take(b",");
            if !is_separated && self.rest.first() != Some(&b'}') {
                return Err(self.bad("a table does not end with }"));
            }
        }
    }

    fn number(&mut self) -> Result<f64, Malformed> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let len = self.rest.iter().take_while(|byte| is_part(byte)).count();
        let (text, rest) = self.rest.split_at(len);
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        let number = number.filter(|number: &f64| number.is_finite());
        let number = number.ok_or_else(|| self.bad("a number is none"))?;
        self.rest = rest;
        Ok(number)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let quote = self.next();
        let mut text = Vec::new();
        loop {
            match self.next() {
                byte if byte == quote => break,
                Some(b'\\') => text.push(self.escaped()?),
                Some(b'\n') | None => return Err(self.bad("a text does not end")),
                Some(byte) => text.push(byte),
            }
        }
        String::from_utf8(text).map_err(|_| self.bad("a text is not UTF-8"))
    }

    /// What a backslash stands for with what follows.
    fn escaped(&mut self) -> Result<u8, Malformed> {
        Ok(match self.next() {
            Some(b'n' | b'\n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(byte @ (b'\\' | b'"' | b'\'')) => byte,
            Some(digit @ b'0'..=b'9') => {
                let mut code = u32::from(digit - b'0');
                // Up to three digits, as many as there are.
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'9') = self.rest.first() else { break };
                    code = code * 10 + u32::from(digit - b'0');
                    self.next();
                }
                u8::try_from(code).map_err(|_| self.bad("an escape is above 255"))?
            }
            _ => return Err(self.bad("an escape is unknown")),
        })
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    fn skip_space(&mut self) {
        loop {
            if self.rest.first().is_some_and(u8::is_ascii_whitespace) {
                self.next();
            } else if self.take(b"--") {
                while self.next().is_some_and(|byte| byte != b'\n') {}
            } else {
                return;
            }
        }
    }

    fn take(&mut self, token: &[u8]) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &[u8], what: &'static str) -> Result<(), Malformed> {
        if self.take(token) { Ok(()) } else { Err(self.bad(what)) }
    }

    fn bad(&self, what: &'static str) -> Malformed {
        Malformed { line: self.line, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn every_literal_is_read() {
        let file = br#"-- Prosody
            return {
                ["a\195\164\"\\\n"] = true, [1] = nil; { x }, -1.5;
                ['b'] = { ["c"] = false };
            };"#;
        let file = String::from_utf8(file.to_vec()).unwrap().replace("{ x }", "{}");
        let table = parse(file.as_bytes()).unwrap();
        assert_eq!(table.get("aä\"\\\n"), Some(&Value::Bool(true)));
        assert_eq!(table.get("b").unwrap().get("c"), Some(&Value::Bool(false)));
        let entries = table.entries();
        assert_eq!(entries[1], (Value::Number(1.0), Value::Nil));
        assert_eq!(entries[2], (Value::Number(1.0), Value::Table(Vec::new())));
        assert_eq!(entries[3], (Value::Number(2.0), Value::Number(-1.5)));
        assert_eq!(parse(b"return 'it'"), Ok(text("it")));
    }

    #[test]
    fn damage_is_named_by_its_line() {
        for (file, line, what) in [
            ("", 1, "return"),
            ("return", 1, "no literal"),
            ("return {\n\n[\"a\"] = os.exit() }", 3, "no literal"),
            ("return {\n[\"a\"] 1 }", 2, "has no value"),
            ("return {\n[\"a\" = 1 }", 2, "end with ]"),
            ("return {\n1 2 }", 2, "end with }"),
            ("return {\n\"a }", 2, "does not end"),
            ("return {\n\"\\q\" }", 2, "unknown"),
            ("return {\n\"\\256\" }", 2, "above 255"),
            ("return {\n\"\\195\" }", 2, "UTF-8"),
            ("return {\n1e999 }", 2, "number"),
            ("return {}\n{}", 2, "follows"),
            ("return {", 1, "no literal"),
        ] {
            let error = parse(file.as_bytes()).unwrap_err();
            assert_eq!(error.line, line, "{file}: {error:?}");
            assert!(error.what.contains(what), "{file}: {error:?}");
        }
    }

    #[test]
    fn tables_stand_in_each_other_up_to_a_depth() {
        let nested = |depth: usize| format!("return {}{}", "{".repeat(depth), "}".repeat(depth));
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(parse(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(parse(nested(1_000_000).as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_fatal(bytes in proptest::collection::vec(0_u8.., 0..64)) {
            _ = parse(&bytes);
            _ = parse(&[b"return {[\"", bytes.as_slice(), b"\"] = 1}"].concat());
        }
    }
}
