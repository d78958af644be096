//! JSON members whose type a hostile or newer server may change: another type counts as nothing, and nothing grows.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A member of the expected type, or nothing: another type is skipped, not an error.
pub(super) struct Loose<T>(pub(super) Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// An object, or nothing: another type is skipped, and a list is never taken for the members in their order, which derived
/// code would do.
pub(super) struct Members<T>(pub(super) Option<T>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor(std::marker::PhantomData)).map(Members)
    }
}

struct MembersVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Some)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Most items of a list that are kept.
const MOST_ITEMS: usize = 64;

/// Types that a JSON value may become; each method says no by default.
pub(super) trait FromJson: Sized {
    fn of_text(_: &str) -> Option<Self> {
        None
    }
    fn of_number(_: i64) -> Option<Self> {
        None
    }
    fn of_bool(_: bool) -> Option<Self> {
        None
    }
    fn of_texts(_: Vec<String>) -> Option<Self> {
        None
    }
}

impl FromJson for String {
    fn of_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromJson for i64 {
    fn of_number(number: i64) -> Option<Self> {
        Some(number)
    }
}

impl FromJson for bool {
    fn of_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for Vec<String> {
    fn of_texts(texts: Vec<String>) -> Option<Self> {
        Some(texts)
    }
}

impl<'de, T: FromJson> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(std::marker::PhantomData)).map(Loose)
    }
}

struct LooseVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: FromJson> Visitor<'de> for LooseVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::of_text(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::of_number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok().and_then(T::of_number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::of_bool(value))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while texts.len() < MOST_ITEMS {
            match items.next_element::<Loose<String>>()? {
                Some(Loose(Some(text))) => texts.push(text),
                Some(Loose(None)) => {}
                None => return Ok(T::of_texts(texts)),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::of_texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
