//! Which of our programs a shell text starts: `sh -c`, cron lines, start scripts.

use super::{Command, CommandKind, find};

/// What a shell text starts: the first of its commands that starts a gateway or node host, else the first that is one of
/// ours at all. Nothing is expanded; quoting is taken off, not understood.
pub fn in_shell(text: &str) -> Option<Command> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let simple = lines.flat_map(|line| line.split([';', '&', '|', '(', ')', '{', '}']));
    let found: Vec<Command> = simple.filter_map(|part| find(&simple_command(part))).collect();
    let starts = found.iter().position(|command| command.kind != CommandKind::Other);
    found.into_iter().nth(starts.unwrap_or(0))
}

/// The words of one simple command, without the keywords, assignments and redirections around it.
fn simple_command(text: &str) -> Vec<String> {
    const KEYWORDS: &[&str] = &["if", "then", "else", "elif", "while", "until", "do", "!", "exec", "command", "time"];
    let mut words = shell_words(text).into_iter().peekable();
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
    };
    while words.next_if(|word| KEYWORDS.contains(&word.as_str()) || is_assignment(word)).is_some() {}
    words.take_while(|word| !word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['>', '<'])).collect()
}

/// The words of a shell text, quotes taken off.
pub fn shell_words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_a_shell_text_that_is_about_a_gateway_start_none() {
        for text in
            ["logger openclaw gateway restarted", "echo openclaw gateway", "# openclaw gateway", "x openclaw gateway"]
        {
            assert_eq!(in_shell(text), None, "{text}");
        }
        for text in
            ["A=1 exec \\\n \"openclaw\" gateway 2>&1", "if openclaw gateway status; then\nopenclaw gateway; fi"]
        {
            assert_eq!(in_shell(text).map(|command| command.kind), Some(CommandKind::Gateway), "{text}");
        }
        assert_eq!(in_shell("openclaw gateway restart").map(|command| command.kind), Some(CommandKind::Other));
    }
}
