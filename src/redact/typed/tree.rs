//! A serialiser that keeps data and structure apart.

use serde::ser::{self, Serialize, Serializer};
use serde_json::{Number, Value};
use std::fmt;

/// A document with its data told from its structure.
#[derive(Debug)]
pub(super) enum Tree {
    /// A number, a boolean, or nothing.
    Plain(Value),
    /// A text that was read somewhere.
    Data(String),
    /// The name of a variant.
    Word(&'static str),
    /// An array.
    List(Vec<Tree>),
    /// An object.
    Members(Vec<(Key, Tree)>),
}

/// A key of an object.
#[derive(Debug)]
pub(super) enum Key {
    /// The name of a field or a variant.
    Field(&'static str),
    /// Another key.
    Other(String),
}

impl Key {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Key::Field(text) => text,
            Key::Other(text) => text,
        }
    }
}

/// The document can't be held as JSON.
#[derive(Debug)]
pub(super) struct TreeError(pub String);

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TreeError {}

impl ser::Error for TreeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Builds a [`Tree`].
pub(super) struct Builder;

/// Collects the parts of a list or an object, and wraps them in a variant where they belong to one.
pub(super) struct Parts {
    items: Vec<Tree>,
    members: Vec<(Key, Tree)>,
    key: String,
    variant: Option<&'static str>,
    is_list: bool,
}

impl Parts {
    fn new(is_list: bool, variant: Option<&'static str>) -> Self {
        Self { items: Vec::new(), members: Vec::new(), key: String::new(), variant, is_list }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        self.items.push(value.serialize(Builder)?);
        Ok(())
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: Key, value: &T) -> Result<(), TreeError> {
        self.members.push((key, value.serialize(Builder)?));
        Ok(())
    }

    fn finish(self) -> Tree {
        let tree = if self.is_list { Tree::List(self.items) } else { Tree::Members(self.members) };
        match self.variant {
            Some(variant) => Tree::Members(vec![(Key::Field(variant), tree)]),
            None => tree,
        }
    }
}

/// A number as near as JSON holds it.
fn number(value: i128) -> Tree {
    let number = u64::try_from(value).map(Number::from).or_else(|_| i64::try_from(value).map(Number::from));
    Tree::Plain(Value::Number(number.unwrap_or_else(|_| Number::from(if value < 0 { i64::MIN } else { i64::MAX }))))
}

macro_rules! integers {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<Tree, TreeError> {
            Ok(number(i128::from(value)))
        })*
    };
}

impl Serializer for Builder {
    type Ok = Tree;
    type Error = TreeError;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    fn serialize_bool(self, value: bool) -> Result<Tree, TreeError> {
        Ok(Tree::Plain(Value::Bool(value)))
    }

    fn serialize_f32(self, value: f32) -> Result<Tree, TreeError> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Tree, TreeError> {
        Ok(Tree::Plain(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn serialize_char(self, value: char) -> Result<Tree, TreeError> {
        Ok(Tree::Data(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, TreeError> {
        Ok(Tree::Data(value.to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Tree, TreeError> {
        Ok(Tree::List(value.iter().map(|byte| number(i128::from(*byte))).collect()))
    }

    fn serialize_none(self) -> Result<Tree, TreeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, TreeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Tree, TreeError> {
        Ok(Tree::Plain(Value::Null))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, TreeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, TreeError> {
        Ok(Tree::Word(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Tree, TreeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, TreeError> {
        Ok(Tree::Members(vec![(Key::Field(variant), value.serialize(self)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, TreeError> {
        Ok(Parts::new(true, None))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, TreeError> {
        Ok(Parts::new(true, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, TreeError> {
        Ok(Parts::new(true, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, TreeError> {
        Ok(Parts::new(true, Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, TreeError> {
        Ok(Parts::new(false, None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, TreeError> {
        Ok(Parts::new(false, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, TreeError> {
        Ok(Parts::new(false, Some(variant)))
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for Parts {
            type Ok = Tree;
            type Error = TreeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
                self.item(value)
            }

            fn end(self) -> Result<Tree, TreeError> {
                Ok(self.finish())
            }
        })*
    };
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! objects {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Parts {
            type Ok = Tree;
            type Error = TreeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), TreeError> {
                self.member(Key::Field(key), value)
            }

            fn end(self) -> Result<Tree, TreeError> {
                Ok(self.finish())
            }
        })*
    };
}

objects!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts {
    type Ok = Tree;
    type Error = TreeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TreeError> {
        self.key = match key.serialize(Builder)? {
            Tree::Data(text) => text,
            Tree::Word(word) => word.to_owned(),
            Tree::Plain(value) => value.to_string(),
            Tree::List(_) | Tree::Members(_) => return Err(TreeError("a key is no text".to_owned())),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        let key = std::mem::take(&mut self.key);
        self.member(Key::Other(key), value)
    }

    fn end(self) -> Result<Tree, TreeError> {
        Ok(self.finish())
    }
}
