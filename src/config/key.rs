//! A key, and the two macros that make sections of keys.

use super::value::Value;
use crate::config::Config;

/// One `[section]` of the file.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name in brackets.
    pub(super) name: &'static str,
    /// What it is about, line by line.
    pub(super) doc: &'static [&'static str],
    /// Its keys, in the order of the example.
    pub(super) keys: &'static [Key],
}

/// One key: how it is read into its field of [`Config`], and how it is written from there.
#[derive(Debug)]
pub(super) struct Key {
    /// The section it stands in.
    pub(super) section: &'static str,
    /// Its name there.
    pub(super) name: &'static str,
    /// What it does and why, line by line.
    pub(super) doc: &'static [&'static str],
    /// Sets the field, or says what was expected.
    pub(super) read: fn(&mut Config, &Value) -> Result<(), String>,
    /// The field as the file would have it.
    pub(super) write: fn(&Config) -> Value,
    /// What a running daemon does about a new value.
    pub(super) reload: Reload,
}

/// What a running daemon does about a new value when it is told to reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Nothing: it takes a restart.
    No,
    /// It takes the value up.
    Yes,
    /// It reads the file that the key names again; another file takes a restart.
    Content,
}

impl Key {
    /// `section.name`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

/// A section: its struct, its defaults and its keys. Each field is a key, with its documentation,
/// type, default and [`Kind`](super::kind::Kind). `live` behind those: a reload takes it up;
/// `content`: a reload reads the file that it names.
///
/// ```text
/// section! {
///     /// What it is about.
///     [name] Struct {
///         /// What it does and why.
///         field: Type = default, kind;
///         /// What it does and why.
///         another: Type = default, kind, live;
///     }
/// }
/// ```
macro_rules! section {
    (@reload) => { $crate::config::key::Reload::No };
    (@reload live) => { $crate::config::key::Reload::Yes };
    (@reload content) => { $crate::config::key::Reload::Content };
    (
        $(#[doc = $about:literal])+
        [$section:ident] $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $default:expr, $kind:expr $(, $reload:ident)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                pub $field: $type,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            pub(in crate::config) const SECTION: $crate::config::key::Section =
                $crate::config::key::Section {
                    name: stringify!($section),
                    doc: &[$($about),+],
                    keys: &[$($crate::config::key::Key {
                        section: stringify!($section),
                        name: stringify!($field),
                        doc: &[$($doc),+],
                        read: |config, value| {
                            use $crate::config::kind::Kind;
                            let kind = $kind;
                            let setting = Kind::<$type>::read(&kind, value)
                                .ok_or_else(|| Kind::<$type>::expected(&kind))?;
                            config.$section.$field = setting;
                            Ok(())
                        },
                        write: |config| {
                            use $crate::config::kind::Kind;
                            Kind::<$type>::write(&$kind, &config.$section.$field)
                        },
                        reload: $crate::config::key::section!(@reload $($reload)?),
                    }),+],
                };
        }
    };
}
pub(super) use section;

/// The whole configuration, of its sections.
macro_rules! sections {
    ($($(#[doc = $doc:literal])+ $section:ident: $type:ident;)+) => {
        /// The whole configuration.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct Config {
            $(
                $(#[doc = $doc])+
                pub $section: $type,
            )+
        }

        impl Config {
            pub(in crate::config) const SECTIONS: &[&$crate::config::key::Section] =
                &[$(&$type::SECTION),+];
        }
    };
}
pub(super) use sections;

impl Config {
    /// Every key there is, in the order of the example.
    pub(super) fn keys() -> impl Iterator<Item = &'static Key> {
        Self::SECTIONS.iter().flat_map(|section| section.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_what_it_writes() {
        let defaults = Config::default();
        for key in Config::keys() {
            let mut config = Config::default();
            let written = (key.write)(&defaults);
            assert_eq!((key.read)(&mut config, &written), Ok(()), "{}", key.path());
            assert_eq!(config, defaults, "{}", key.path());
        }
    }

    #[test]
    fn a_section_is_named_as_its_field() {
        for section in Config::SECTIONS {
            assert!(section.keys.iter().all(|key| key.section == section.name));
        }
    }
}
