//! Parts of at most 2,000 characters that each stand alone in a code block, the most important first.

/// What Discord takes in one message, in characters.
pub const MOST: usize = 2_000;

/// Room for the fence and the part's number.
const ROOM: usize = MOST - 60;

/// Cuts a plain text at sensible places: between paragraphs, else between lines, else inside a line.
pub fn parts(text: &str) -> Vec<String> {
    // A fence inside would end the block; a zero-width blank after `@` keeps anybody from being called.
    let text = text.replace("```", "'''").replace('@', "@\u{200b}");
    let mut pieces: Vec<String> = Vec::new();
    for paragraph in text.split_inclusive("\n\n") {
        if count(paragraph) <= ROOM {
            add(&mut pieces, paragraph);
            continue;
        }
        for line in paragraph.split_inclusive('\n') {
            let mut rest: Vec<char> = line.chars().collect();
            while rest.len() > ROOM {
                let tail = rest.split_off(ROOM);
                add(&mut pieces, &rest.iter().collect::<String>());
                rest = tail;
            }
            add(&mut pieces, &rest.iter().collect::<String>());
        }
    }
    let total = pieces.len();
    pieces
        .iter()
        .enumerate()
        .map(|(index, piece)| {
            format!("```\nopenclaw-doctor, part {} of {total}\n{}\n```\n", index + 1, piece.trim_end())
        })
        .collect()
}

fn add(pieces: &mut Vec<String>, text: &str) {
    match pieces.last_mut() {
        Some(last) if count(last) + count(text) <= ROOM => last.push_str(text),
        _ if text.trim().is_empty() => {}
        _ => pieces.push(text.to_owned()),
    }
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_part_is_too_long_and_each_is_one_block(text in "[a-z`@é\n ]{0,9000}") {
            for part in parts(&text) {
                prop_assert!(part.chars().count() <= MOST);
                prop_assert_eq!(part.matches("```").count(), 2);
                prop_assert!(!part.contains("@e"));
            }
        }
    }
}
