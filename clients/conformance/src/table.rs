//! Language × case.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};

/// Where the table stands in a page.
const BEGIN: &str = "<!-- table: begin -->\n";
const END: &str = "<!-- table: end -->";

/// What came of each case, for each client.
#[derive(Clone, Debug)]
pub struct Table {
    /// The cases, in order.
    pub cases: Vec<String>,
    /// Each client, and which cases it passed.
    pub columns: Vec<(String, Vec<bool>)>,
}

impl Table {
    /// Draws it, in Markdown.
    pub fn draw(&self) -> String {
        let mut text = String::from("| case |");
        for (name, _) in &self.columns {
            _ = write!(text, " {name} |");
        }
        text += "\n|---|";
        text += &":-:|".repeat(self.columns.len());
        for (index, case) in self.cases.iter().enumerate() {
            _ = write!(text, "\n| {} |", case.replace('_', " "));
            for (_, passed) in &self.columns {
                let passed = passed.get(index).is_some_and(|passed| *passed);
                text += if passed { " ✓ |" } else { " **✗** |" };
            }
        }
        text + "\n"
    }

    /// Writes it into a page, between the two marks.
    ///
    /// # Errors
    ///
    /// If the page cannot be read or written, or has no marks.
    pub fn write(&self, page: &Path) -> Result<()> {
        let text = fs::read_to_string(page)?;
        let (before, after) = around(&text)?;
        fs::write(page, format!("{before}{BEGIN}{}{END}{after}", self.draw()))?;
        Ok(())
    }

    /// Whether a page holds it.
    ///
    /// # Errors
    ///
    /// If the page cannot be read, or has no marks.
    pub fn is_in(&self, page: &Path) -> Result<bool> {
        let text = fs::read_to_string(page)?;
        let (before, after) = around(&text)?;
        Ok(text == format!("{before}{BEGIN}{}{END}{after}", self.draw()))
    }
}

fn around(text: &str) -> Result<(&str, &str)> {
    let (before, rest) = text.split_once(BEGIN).context("the page does not say where it begins")?;
    let (_, after) = rest.split_once(END).context("the page does not say where it ends")?;
    Ok((before, after))
}
