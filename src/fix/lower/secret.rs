//! Secrets: written into the one file that is meant to hold them, or taken out of a file that holds another copy. A value
//! is never shown: the diff goes through the masker, and the journal holds digests.

use super::{Lowered, Lowering};
use crate::fix::config_edit;
use crate::fix::error::{FixError, Result};
use crate::model::{ConfigEdit, HostPath, JsonPath, JsonStep, SecretLabel};

impl Lowering<'_> {
    /// A value that this run has read goes to `at`, in the place of what is there.
    pub(super) fn write_secret(&mut self, path: &HostPath, at: &JsonPath, secret: &SecretLabel) -> Result<Lowered> {
        let value = self.secrets.value_of(secret).ok_or_else(|| FixError::no(format!("{secret} is not known here")))?;
        let value = serde_json::Value::from(value.expose());
        let (text, ..) = self.text(path)?;
        let edit = if config_edit::holds(&text, at) {
            ConfigEdit::ReplaceValue { at: at.clone(), was: None, to: value }
        } else {
            let mut object = at.clone();
            let Some(JsonStep::Key(key)) = object.0.pop() else {
                return Err(FixError::no(format!("{at} is no place for a secret")));
            };
            ConfigEdit::InsertMember { object, key, value }
        };
        let mut lowered = self.edit_config(path, &[edit], None)?;
        lowered.shown.notes.push(format!("{at} gets {secret}; the value itself is shown nowhere"));
        Ok(lowered)
    }

    /// Takes every setting of a variable out of an environment file or a unit file.
    pub(super) fn remove_variable(&mut self, path: &HostPath, name: &str) -> Result<Lowered> {
        let (text, place, there) = self.text(path)?;
        let name_of_file = place.path.file_name();
        let is_unit = [".service", ".conf"].iter().any(|ending| name_of_file.ends_with(ending));
        let left = without(&text, name, is_unit).map_err(|why| FixError::refused(&place.path, why))?;
        if left == text {
            return Err(FixError::stale(&place.path, format_args!("does not set {name} any more")));
        }
        let shown = self.change_shown("take a variable out of", &place.path, text.as_bytes(), left.as_bytes());
        let task = self.rewritten(&place, there, left)?;
        Ok(Lowered { tasks: vec![task], shown })
    }
}

/// The text without the lines that set a variable, or why a person has to do it. Everything else stays as it is written.
fn without(text: &str, name: &str, is_unit: bool) -> Result<String, String> {
    let mut left = String::with_capacity(text.len());
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        let value = if is_unit { unit_setting(bare, name)? } else { env_setting(bare, name) };
        match value {
            // A line that goes on from the one before is part of that one's value.
            Some(_) if goes_on => return Err(format!("sets {name} in a way that is not understood; do it by hand")),
            Some(value) if !is_whole(value) => {
                return Err(format!("sets {name} over several lines; take it out by hand"));
            }
            Some(_) => {}
            None => left.push_str(line),
        }
        goes_on = bare.ends_with('\\');
    }
    Ok(left)
}

/// The value where a line of an environment file sets the variable.
fn env_setting<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let line = line.trim_start_matches('\u{feff}');
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    line.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim)
}

/// The value where a line of a unit file sets the variable and nothing else.
fn unit_setting<'l>(line: &'l str, name: &str) -> Result<Option<&'l str>, String> {
    let Some((key, settings)) = line.split_once('=') else { return Ok(None) };
    if key.trim() != "Environment" {
        return Ok(None);
    }
    let settings = settings.trim();
    let unquoted = settings
        .strip_prefix(['"', '\''])
        .and_then(|inside| inside.strip_suffix(['"', '\'']))
        .filter(|inside| !inside.contains(['"', '\'']));
    let mentions = |text: &str| text.split(['"', '\'', ' ', '\t']).any(|word| env_setting(word, name).is_some());
    match unquoted.unwrap_or(settings) {
        inside if env_setting(inside, name).is_some() => match (unquoted, inside.contains([' ', '\t', '"', '\''])) {
            (Some(_), _) | (None, false) => Ok(Some("")),
            (None, true) => Err(format!("sets {name} beside other variables in one line; take it out by hand")),
        },
        _ if mentions(settings) => Err(format!("sets {name} beside other variables in one line; take it out by hand")),
        _ => Ok(None),
    }
}

/// Whether a value ends on its line.
fn is_whole(value: &str) -> bool {
    let open = |quote: char| value.starts_with(quote) && !value.get(1..).is_some_and(|rest| rest.contains(quote));
    !(value.ends_with('\\') || open('"') || open('\'') || open('`'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_variable_goes() {
        let text = "# keys\nOTHER=1\nexport TOKEN = 'a b' # old\nTOKEN_TWO=x\nTOKEN=\"y\"\r\n";
        assert_eq!(without(text, "TOKEN", false).as_deref(), Ok("# keys\nOTHER=1\nTOKEN_TWO=x\n"));
        let unit = "[Service]\nEnvironment=TOKEN=x\nEnvironment=\"TOKEN=y z\"\nEnvironment=A=1\nExecStart=x TOKEN=1\n";
        assert_eq!(without(unit, "TOKEN", true).as_deref(), Ok("[Service]\nEnvironment=A=1\nExecStart=x TOKEN=1\n"));
    }

    #[test]
    fn what_is_not_one_setting_on_one_line_is_left_to_a_person() {
        for (text, is_unit) in [
            ("TOKEN=\"a\nb\"\n", false),
            ("TOKEN=a\\\nb\n", false),
            ("OTHER=a\\\nTOKEN=b\n", false),
            ("Environment=A=1 TOKEN=x\n", true),
            ("Environment=TOKEN=x A=1\n", true),
            ("Environment=\"TOKEN=x\" \"A=1\"\n", true),
        ] {
            assert!(without(text, "TOKEN", is_unit).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn other_lines_stay_byte_for_byte(lines in proptest::collection::vec("[A-Z_]{1,6}[=: ]?[a-z\"'#\\\\ ]{0,8}", 0..8)) {
            let text = lines.join("\n");
            if let Ok(left) = without(&text, "TOKEN", false) {
                let kept: Vec<&str> = text.split_inclusive('\n').filter(|line| !line.trim().contains("TOKEN")).collect();
                let rest: Vec<&str> = left.split_inclusive('\n').filter(|line| !line.contains("TOKEN")).collect();
                prop_assert_eq!(rest, kept);
            }
        }
    }
}
