//! Parsed values as `serde_json` values, with the rules of JavaScript's objects.

use super::{Node, Value};

impl Node {
    /// The value without its places. Of duplicate keys the last one counts and keeps the place of the first, as in
    /// `JSON.parse`. Numbers that JSON can't hold become texts.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => match self.as_integer() {
                Some(whole) => whole.into(),
                None => serde_json::Number::from_f64(*number)
                    .map_or_else(|| number.to_string().into(), serde_json::Value::Number),
            },
            Value::String(text) => text.clone().into(),
            Value::Array(elements) => elements.iter().map(Node::to_json).collect(),
            Value::Object(members) => {
                members.iter().map(|member| (member.key.clone(), member.value.to_json())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::json5::{Dialect, parse};

    #[test]
    fn the_last_duplicate_counts_at_the_place_of_the_first() {
        let root =
            parse("{\"a\": 1, \"b\": 1795355898052, \"a\": [1.5, null, -0]}", Dialect::Json).expect("parses").root;
        assert_eq!(root.to_json().to_string(), "{\"a\":[1.5,null,0],\"b\":1795355898052}");
        let root = parse("Infinity", Dialect::Json5).expect("parses").root;
        assert_eq!(root.to_json().to_string(), "\"inf\"");
    }
}
