//! Examples for each edit, and properties over generated documents.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn edited(text: &str, edits: &[ConfigEdit]) -> String {
    apply(text, edits).expect("an edit").text
}

fn remove(path: &[&str], index: usize) -> ConfigEdit {
    ConfigEdit::RemoveElement { array: JsonPath::keys(path.iter().copied()), index, was: None }
}

const CONFIG: &str = "{
  // who may call
  gateway: {
    mode: 'local', // needed
    trustedProxies: [
      \"127.0.0.1\", // the proxy here
      \"10.0.0.1\",
    ],
    controlUi: { allowInsecureAuth: true, dangerouslyDisableDeviceAuth: true },
  },
}
";

#[test]
fn removing_elements_keeps_their_comments() {
    let text = edited(CONFIG, &[remove(&["gateway", "trustedProxies"], 0)]);
    assert!(text.contains("[\n      // the proxy here\n      \"10.0.0.1\",\n    ],"), "{text}");
    let text = edited(CONFIG, &[remove(&["gateway", "trustedProxies"], 0), remove(&["gateway", "trustedProxies"], 1)]);
    assert!(text.contains("trustedProxies: [\n      // the proxy here\n    ],"), "{text}");
    for (before, index, after) in [
        ("[1, 2, 3]", 0, "[2, 3]"),
        ("[1, 2, 3]", 1, "[1, 3]"),
        ("[1, 2, 3]", 2, "[1, 2]"),
        ("[1]", 0, "[]"),
        ("[ 1 ]", 0, "[ ]"),
        ("[1,2,]", 1, "[1,]"),
        ("[1,/* a */2/* b */]", 1, "[1/* a *//* b */]"),
        ("[\n  1,\n  2\n]", 1, "[\n  1\n]"),
        ("[\r\n  1,\r\n  2\r\n]", 0, "[\r\n  2\r\n]"),
    ] {
        let edit = ConfigEdit::RemoveElement { array: JsonPath::default(), index, was: None };
        assert_eq!(edited(before, &[edit]), after);
    }
}

#[test]
fn elements_are_told_apart_by_what_was_seen() {
    let at =
        |index, was: &str| ConfigEdit::RemoveElement { array: JsonPath::keys(["a"]), index, was: Some(json!(was)) };
    assert_eq!(edited("{a: ['x', 'y']}", &[at(0, "y")]), "{a: ['x']}");
    assert_eq!(apply("{a: ['x', 'y']}", &[at(0, "z")]), Err(EditError::Changed("a[0]".to_owned())));
    assert!(apply("{a: ['x', 'y', 'y']}", &[at(0, "y")]).is_err());
}

#[test]
fn values_members_and_keys_change_in_their_own_style() {
    let at = JsonPath::keys(["gateway", "mode"]);
    let text = edited(CONFIG, &[ConfigEdit::ReplaceValue { at, was: Some(json!("local")), to: json!("remote") }]);
    assert!(text.contains("mode: 'remote', // needed"), "{text}");
    let at = JsonPath::keys(["gateway", "controlUi", "allowInsecureAuth"]);
    let text = edited(CONFIG, &[ConfigEdit::RemoveMember { at: at.clone(), was: Some(json!(true)) }]);
    assert!(text.contains("controlUi: { dangerouslyDisableDeviceAuth: true },"), "{text}");
    let moved = apply(CONFIG, &[ConfigEdit::MoveOut { at }]).expect("moved");
    assert!(moved.moved.expect("a side file").contains("\"gateway.controlUi.allowInsecureAuth\": true,"));
    let insert = |object: &[&str], key: &str, value| ConfigEdit::InsertMember {
        object: JsonPath::keys(object.iter().copied()),
        key: key.to_owned(),
        value,
    };
    let text = edited(CONFIG, &[insert(&["gateway"], "port", json!(1)), insert(&["web", "ui"], "on", json!(true))]);
    assert!(text.contains("    port: 1,\n  },\n  web: { ui: { on: true } },\n}"), "{text}");
    for (before, after) in [
        ("{}", "{ \"k\": 1 }"),
        ("{\"a\":1}", "{\"a\":1, \"k\": 1}"),
        ("{\n  \"a\": 1 // last\n}", "{\n  \"a\": 1, // last\n  \"k\": 1\n}"),
        ("{\n}\n", "{\n  \"k\": 1\n}\n"),
        ("{a:1,}", "{a:1, k: 1,}"),
    ] {
        assert_eq!(edited(before, &[insert(&[], "k", json!(1))]), after);
    }
    let rename = ConfigEdit::RenameKey { at: JsonPath::keys(["old"]), to: "new id".to_owned() };
    assert_eq!(edited("{old: 1 /* c */}", std::slice::from_ref(&rename)), "{\"new id\": 1 /* c */}");
    assert_eq!(edited("{\"old\": 1}", &[rename]), "{\"new id\": 1}");
}

#[test]
fn a_strict_document_stays_strict_and_a_key_written_twice_is_left_to_a_person() {
    let insert =
        ConfigEdit::InsertMember { object: JsonPath::default(), key: "b".to_owned(), value: json!({"c": ["d"]}) };
    assert_eq!(edited("{\n  \"a\": 1\n}", &[insert]), "{\n  \"a\": 1,\n  \"b\": { \"c\": [\"d\"] }\n}");
    let remove = ConfigEdit::RemoveMember { at: JsonPath::keys(["a"]), was: None };
    assert!(matches!(apply("{a: 1, a: 2}", &[remove]), Err(EditError::Ambiguous(_))));
    assert!(apply("{a: ", &[]).is_ok(), "no edit needs no syntax");
    let at = JsonPath::keys(["a"]);
    assert!(matches!(apply("{a: ", &[ConfigEdit::MoveOut { at }]), Err(EditError::Syntax(_))));
}

/// A document as text, with comments `/*n*/` and `//n` that are each different.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = proptest::sample::select(vec![
        "1",
        "-0.5",
        "'a//b'",
        "\"c/*d*/\"",
        "null",
        "true",
        "NaN",
        "'x,y'",
        "\"\\u0041\"",
    ]);
    leaf.prop_map(Tree::Leaf).prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::Array),
            proptest::collection::vec(("[a-c]{1,2}", inner), 0..4).prop_map(Tree::Object),
        ]
    })
}

struct Writer<'r> {
    text: String,
    comments: usize,
    noise: std::iter::Cycle<std::slice::Iter<'r, u8>>,
}

impl Writer<'_> {
    fn trivia(&mut self) {
        let noise = self.noise.next().copied().unwrap_or(0) % 8;
        match noise {
            0 | 1 => {}
            2 | 3 => self.text.push(' '),
            4 => self.text.push_str("\n    "),
            5 => self.text.push_str("\r\n\t"),
            6 => {
                self.text.push_str(&format!("/*{}*/", self.comments));
                self.comments += 1;
            }
            _ => {
                self.text.push_str(&format!(" //{};\n", self.comments));
                self.comments += 1;
            }
        }
    }

    fn list<T>(&mut self, items: &[T], open: char, close: char, mut one: impl FnMut(&mut Self, &T)) {
        self.text.push(open);
        for (place, item) in items.iter().enumerate() {
            self.trivia();
            one(self, item);
            self.trivia();
            let trailing = self.noise.next().copied().unwrap_or(0) % 2 == 0;
            if place + 1 < items.len() || trailing {
                self.text.push(',');
            }
        }
        self.trivia();
        self.text.push(close);
    }

    fn tree(&mut self, tree: &Tree) {
        match tree {
            Tree::Leaf(text) => self.text.push_str(text),
            Tree::Array(items) => self.list(items, '[', ']', Self::tree),
            Tree::Object(members) => self.list(members, '{', '}', |writer, (key, value)| {
                let quoted = writer.noise.next().copied().unwrap_or(0) % 2 == 0;
                writer.text.push_str(&if quoted { format!("'{key}'") } else { key.clone() });
                writer.trivia();
                writer.text.push(':');
                writer.trivia();
                writer.tree(value);
            }),
        }
    }
}

/// All comments of a text, in order, found by walking over strings.
fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            found.push(&rest[..end]);
            end
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").unwrap() + 2;
            found.push(&rest[..end]);
            end
        } else if c == '\'' || c == '"' {
            rest[1..].find(c).unwrap() + 2
        } else {
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// Every place in a document, with the way to it.
fn places(node: &Node, at: &JsonPath, found: &mut Vec<JsonPath>) {
    for (index, element) in node.elements().unwrap_or_default().iter().enumerate() {
        found.push(at.clone().then(index));
        places(element, &at.clone().then(index), found);
    }
    for member in node.members().unwrap_or_default() {
        let unique = node.members().unwrap().iter().filter(|other| other.key == member.key).count() == 1;
        if unique {
            found.push(at.clone().then(member.key.as_str()));
            places(&member.value, &at.clone().then(member.key.as_str()), found);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is edited: it succeeds, and every comment outside the removed value is still there, in order.
    /// That nothing but the intended value changed is what `apply` itself proves by parsing again.
    #[test]
    fn edits_change_only_what_is_meant(
        tree in proptest::collection::vec(("[a-c]{1,2}", tree()), 1..4).prop_map(Tree::Object),
        noise in proptest::collection::vec(any::<u8>(), 40..80),
        pick in any::<prop::sample::Index>(),
        kind in 0..5usize,
    ) {
        let mut writer = Writer { text: String::new(), comments: 0, noise: noise.iter().cycle() };
        writer.trivia();
        writer.tree(&tree);
        writer.trivia();
        let text = writer.text;
        let document = json5::parse(&text, Dialect::Json5).expect("a generated document");
        let mut all = Vec::new();
        places(&document.root, &JsonPath::default(), &mut all);
        prop_assume!(!all.is_empty());
        let at = pick.get(&all).clone();
        let node = find(&document.root, &at).expect("a place");
        let edit = match (kind, at.0.last().expect("a step").clone()) {
            (0, _) => ConfigEdit::ReplaceValue { at: at.clone(), was: None, to: json!({"n": ["v", 1]}) },
            (1, _) if node.members().is_some() => {
                ConfigEdit::InsertMember { object: at.clone(), key: "new".to_owned(), value: json!("v") }
            }
            (2, JsonStep::Key(_)) => ConfigEdit::RenameKey { at: at.clone(), to: "renamed".to_owned() },
            (3, JsonStep::Key(_)) => ConfigEdit::MoveOut { at: at.clone() },
            (_, JsonStep::Key(_)) => ConfigEdit::RemoveMember { at: at.clone(), was: None },
            (_, JsonStep::Index(index)) => ConfigEdit::RemoveElement { array: parent_of(&at), index, was: None },
        };
        let result = apply(&text, std::slice::from_ref(&edit)).map_err(|error| TestCaseError::fail(format!("{error}: {edit:?}\n{text}")))?;
        let removed = match &edit {
            ConfigEdit::InsertMember { .. } | ConfigEdit::RenameKey { .. } => 0..0,
            ConfigEdit::ReplaceValue { .. } | ConfigEdit::RemoveElement { .. } => node.span.clone(),
            ConfigEdit::RemoveMember { .. } | ConfigEdit::MoveOut { .. } => {
                let object = find(&document.root, &parent_of(&at)).expect("an object");
                let place = sole_member(object, &at).expect("a member");
                object.members().unwrap()[place].key_span.start..node.span.end
            }
        };
        let kept: Vec<&str> = [&text[..removed.start], &text[removed.end..]].into_iter().flat_map(comments).collect();
        prop_assert_eq!(comments(&result.text), kept, "{:?}\n{}\n=>\n{}", edit, text, result.text);
        if let ConfigEdit::MoveOut { .. } = edit {
            let side = result.moved.expect("a side file");
            let side = json5::parse(&side, Dialect::Json5).expect("a side document");
            let moved = side.root.get(&at.to_string()).expect("the member");
            prop_assert_eq!(Model::of(moved), Model::of(node));
        }
    }
}
