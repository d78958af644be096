//! `%h`, `%u`, `%i` and their kind (systemd.unit(5) "Specifiers").

/// What specifiers stand for in one unit of one manager. What is not known stays as it is written.
#[derive(Debug, Clone, Default)]
pub struct Specifiers {
    /// Full unit name.
    pub unit: String,
    /// `%h`
    pub home: Option<String>,
    /// `%u`
    pub user: Option<String>,
    /// `%U`
    pub uid: Option<u32>,
    /// A user manager's unit: `%t`, `%S`, `%C`, `%L`, `%E` lie in the home.
    pub of_user: bool,
}

impl Specifiers {
    /// The value with its specifiers replaced.
    pub fn expand(&self, value: &str) -> String {
        let mut text = String::with_capacity(value.len());
        let mut rest = value.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let Some(letter) = rest.next() else {
                text.push('%');
                break;
            };
            match self.one(letter) {
                Some(known) => text.push_str(&known),
                None => text.extend(['%', letter]),
            }
        }
        text
    }

    fn one(&self, letter: char) -> Option<String> {
        let stem = self.unit.strip_suffix(".service").unwrap_or(&self.unit);
        let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
        let in_home = |tail: &str| self.home.as_ref().map(|home| format!("{home}/{tail}"));
        let place = |system: &str, user: &str| if self.of_user { in_home(user) } else { Some(system.to_owned()) };
        match letter {
            '%' => Some("%".to_owned()),
            'h' => self.home.clone(),
            'u' => self.user.clone(),
            'U' => self.uid.map(|uid| uid.to_string()),
            'n' => Some(self.unit.clone()),
            'N' => Some(stem.to_owned()),
            'p' => Some(prefix.to_owned()),
            'P' => Some(unescape_name(prefix)),
            'i' => Some(instance.to_owned()),
            'I' => Some(unescape_name(instance)),
            'j' => prefix.rsplit('-').next().map(str::to_owned),
            'J' => prefix.rsplit('-').next().map(unescape_name),
            'f' => Some(format!("/{}", unescape_name(if instance.is_empty() { prefix } else { instance }))),
            't' if self.of_user => self.uid.map(|uid| format!("/run/user/{uid}")),
            't' => Some("/run".to_owned()),
            'S' => place("/var/lib", ".local/state"),
            'C' => place("/var/cache", ".cache"),
            'L' => place("/var/log", ".local/state/log"),
            'E' => place("/etc", ".config"),
            'T' => Some("/tmp".to_owned()),
            'V' => Some("/var/tmp".to_owned()),
            _ => None,
        }
    }
}

/// `\x2d` and `-` in unit names: the unescaped form of systemd-escape(1).
fn unescape_name(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("\\x").and_then(|tail| tail.get(..2));
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            bytes.push(byte);
            rest = rest.get(4..).unwrap_or_default();
            continue;
        }
        let mut buffer = [0; 4];
        let c = if c == '-' { '/' } else { c };
        bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn specifiers_are_replaced_where_they_are_known() {
        let of = Specifiers {
            unit: "claw-gw@my\\x2dwork.service".into(),
            home: Some("/home/claw".into()),
            user: Some("claw".into()),
            uid: Some(1001),
            of_user: true,
        };
        assert_eq!(
            of.expand("%h/.openclaw-%I %i %u %U %t %S %% %n %Z %"),
            "/home/claw/.openclaw-my-work my\\x2dwork claw 1001 /run/user/1001 /home/claw/.local/state % claw-gw@my\\x2dwork.service %Z %"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_trouble(text in "[%a-zA-Zä\\\\x0-9-]{0,60}") {
            Specifiers { unit: text.clone(), ..Specifiers::default() }.expand(&text);
        }
    }
}
