//! Reading a key and declaring it are one act: [`Source::take`] does both.

use crate::{error::WrongKey, kinds::Kind};

/// A key of the configuration, as the documents show it.
#[derive(Clone, Debug)]
pub struct Key {
    /// The group's title.
    pub group: &'static str,
    /// The name in the environment.
    pub name: &'static str,
    /// What the key takes, in words.
    pub expected: String,
    /// Whether it has to be set, and what holds where it is not.
    pub presence: Presence,
    /// Whether the value is a secret: such a key has no default and is never printed.
    pub secret: bool,
    /// What the key is for.
    pub description: &'static str,
}

/// Whether a key has to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has to; `example` is a value that would be accepted.
    Required {
        /// For `.env.example`.
        example: &'static str,
    },
    /// It may be left out: the feature it stands for is then off.
    Optional,
    /// It may be left out: this holds then.
    Default(&'static str),
}

/// A key with its parser, not yet read.
pub(crate) struct Setting<T> {
    name: &'static str,
    kind: Kind<T>,
    presence: Presence,
    absent: fn() -> Option<T>,
}

/// A key that has to be set.
pub(crate) fn required<T>(name: &'static str, kind: Kind<T>, example: &'static str) -> Setting<T> {
    Setting { name, kind, presence: Presence::Required { example }, absent: || None }
}

/// A key that turns something on.
pub(crate) fn optional<T: 'static>(name: &'static str, kind: Kind<T>) -> Setting<Option<T>> {
    Setting { name, kind: kind.map(Some), presence: Presence::Optional, absent: || Some(None) }
}

/// A key with a value that suits most installations.
pub(crate) fn default<T>(name: &'static str, kind: Kind<T>, value: &'static str) -> Setting<T> {
    Setting { name, kind, presence: Presence::Default(value), absent: || None }
}

/// Where values come from; collects what is wrong and which keys were asked for.
pub(crate) struct Source<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    group: &'static str,
    wrong: Vec<WrongKey>,
    keys: Vec<Key>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, group: "", wrong: Vec::new(), keys: Vec::new() }
    }

    /// The keys that follow belong to this group.
    pub(crate) fn begin_group(&mut self, title: &'static str) {
        self.group = title;
    }

    /// Declares the key and reads it; nothing where it is missing or wrong, which is then on the list.
    pub(crate) fn take<T>(&mut self, setting: Setting<T>, description: &'static str) -> Option<T> {
        let Setting { name, kind, presence, absent } = setting;
        let given = (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let missing = given.is_none();
        let value = match (given, presence) {
            (Some(given), _) => kind.parse(&given),
            (None, Presence::Default(value)) => kind.parse(value),
            (None, Presence::Required { .. } | Presence::Optional) => absent(),
        };
        if value.is_none() {
            self.wrong.push(WrongKey { key: name, missing, expected: kind.expected.clone() });
        }
        let secret = kind.secret;
        self.keys.push(Key { group: self.group, name, expected: kind.expected, presence, secret, description });
        value
    }

    /// Refuses a value that was well-formed by itself.
    pub(crate) fn reject(&mut self, key: &'static str, expected: &str) {
        self.wrong.push(WrongKey { key, missing: false, expected: expected.to_owned() });
    }

    pub(crate) fn wrong(&self) -> &[WrongKey] {
        &self.wrong
    }

    pub(crate) fn into_keys(self) -> Vec<Key> {
        self.keys
    }
}
