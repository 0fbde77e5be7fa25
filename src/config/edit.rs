//! Changing keys of the file: comments and order stay, and what comes out is checked before it is
//! written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::layers::Layers;
use super::problem::ConfigError;
use super::value::Value;

/// The mode of a file that there was none of before: it holds no secret.
const MODE: u32 = 0o644;

/// A key that has another name now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    /// `section.name` of before.
    pub from: &'static str,
    /// `section.name` of now.
    pub to: &'static str,
}

/// Every key that has another name in this version.
pub const RENAMES: &[Rename] = &[];

/// Why the file can't be changed. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("expected TOML: {0}")]
    Syntax(String),
    /// A key has no section, or its section is no section.
    #[error("expected a key such as turn.enabled; got {0}")]
    Key(String),
    /// What it would become is no right configuration.
    #[error(transparent)]
    Wrong(#[from] ConfigError),
}

/// The file, to be changed.
#[derive(Debug, Clone)]
pub struct Edit {
    path: PathBuf,
    before: Option<String>,
    document: DocumentMut,
}

impl Edit {
    /// The file at `path`, or an empty one where there is none.
    pub fn open(path: &Path) -> Result<Self, EditError> {
        let before = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed("read", path)(source)),
        };
        let text = before.as_deref().unwrap_or_default();
        let document = text.parse().map_err(|error: toml_edit::TomlError| {
            EditError::Syntax(error.message().replace('\n', ", "))
        })?;
        Ok(Self {
            path: path.to_owned(),
            before,
            document,
        })
    }

    /// Sets `key`, written `section.name`, to a value as a flag has it. What it must be shows when it
    /// is saved.
    pub fn set(&mut self, key: &str, word: &str) -> Result<(), EditError> {
        let (section, name) = split(key)?;
        let item = item(&Value::from_word(word));
        let table = self
            .document
            .entry(section)
            .or_insert(Item::Table(Table::new()));
        let table = table.as_table_like_mut();
        let table = table.ok_or_else(|| EditError::Key(key.to_owned()))?;
        match (
            table.get_mut(name).and_then(Item::as_value_mut),
            item.into_value(),
        ) {
            (Some(old), Ok(mut new)) => {
                // What stands around a value, comments among it, is the value's in this crate.
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            (None, Ok(new)) => {
                table.insert(name, Item::Value(new));
            }
            (_, Err(_)) => return Err(EditError::Key(key.to_owned())),
        }
        Ok(())
    }

    /// Gives keys their names of today. Says which.
    pub fn upgrade(&mut self, renames: &[Rename]) -> Result<Vec<Rename>, EditError> {
        let mut done = Vec::new();
        for rename in renames {
            let ((section, name), (to_section, to_name)) = (split(rename.from)?, split(rename.to)?);
            let table = self
                .document
                .get_mut(section)
                .and_then(Item::as_table_like_mut);
            let Some((key, old)) = table.and_then(|table| {
                let key = table.key(name)?.clone();
                Some((key, table.remove(name)?))
            }) else {
                continue;
            };
            let target = self
                .document
                .entry(to_section)
                .or_insert(Item::Table(Table::new()));
            let target = target.as_table_like_mut();
            let target = target.ok_or_else(|| EditError::Key(rename.to.to_owned()))?;
            if target.get(to_name).is_none() {
                target.insert(to_name, old);
                if let Some(mut fresh) = target.key_mut(to_name) {
                    *fresh.leaf_decor_mut() = key.leaf_decor().clone();
                }
            }
            done.push(*rename);
        }
        Ok(done)
    }

    /// The file as it would be.
    pub fn text(&self) -> String {
        self.document.to_string()
    }

    /// Writes the file, if it is right: whole or not at all, with the one of before beside it. Says
    /// whether anything was to be written.
    pub fn save(&self) -> Result<bool, EditError> {
        let text = self.text();
        Layers::default()
            .file_text(&self.path, text.clone())
            .load()?;
        if self.before.as_ref() == Some(&text) {
            return Ok(false);
        }
        if let Some(directory) = self.path.parent() {
            fs::create_dir_all(directory).map_err(failed("make", directory))?;
        }
        if let Some(before) = &self.before {
            let kept = self.path.with_added_extension("old");
            self.write(&kept, before).map_err(failed("write", &kept))?;
        }
        self.write(&self.path, &text)
            .map_err(failed("write", &self.path))?;
        Ok(true)
    }

    /// Replaces `path` by a file with the mode and the owner of the configuration.
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let draft = path.with_added_extension("new");
        let model = fs::metadata(&self.path).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        if let Some(model) = &model {
            fchown(&file, Some(model.uid()), Some(model.gid()))?;
        }
        let mode = model.map_or(MODE, |model| model.permissions().mode() & 0o7777);
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent()
            .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EditError {
    let path = path.to_owned();
    move |source| EditError::File {
        action,
        path,
        source,
    }
}

fn split(key: &str) -> Result<(&str, &str), EditError> {
    key.split_once('.')
        .filter(|(section, name)| !section.is_empty() && !name.is_empty())
        .ok_or_else(|| EditError::Key(key.to_owned()))
}

/// A value as TOML has it. A word becomes what it looks like.
fn item(from: &Value) -> Item {
    match from {
        Value::Text(text) => value(text.as_str()),
        Value::Integer(number) => value(*number),
        Value::Switch(switch) => value(*switch),
        Value::Word(word) => match (word.parse::<bool>(), word.parse::<i64>()) {
            (Ok(switch), _) => value(switch),
            (_, Ok(number)) => value(number),
            _ => value(word.as_str()),
        },
        Value::List(items) => {
            let items = items.iter().filter_map(|part| item(part).into_value().ok());
            value(items.collect::<Array>())
        }
        Value::Foreign(name) => value(*name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Ours.
[turn]
# Loud enough.
enabled = true # since May
";

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        fs::write(&path, text).unwrap();
        (directory, path)
    }

    #[test]
    fn comments_stay_and_the_file_of_before_is_kept() {
        let (_directory, path) = file(FILE);
        let mut edit = Edit::open(&path).unwrap();
        edit.set("turn.enabled", "false").unwrap();
        edit.set("server.public_url", "https://chat.example.org")
            .unwrap();
        edit.set("turn.listen", r#"["127.0.0.1:0"]"#).unwrap();
        assert!(edit.save().unwrap());
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "# Ours.\n[turn]\n# Loud enough.\nenabled = false # since May\nlisten = [\"127.0.0.1:0\"]\n\
             \n[server]\npublic_url = \"https://chat.example.org\"\n"
        );
        assert_eq!(
            fs::read_to_string(path.with_added_extension("old")).unwrap(),
            FILE
        );
        assert!(!Edit::open(&path).unwrap().save().unwrap());
    }

    #[test]
    fn what_would_be_wrong_is_not_written() {
        let (_directory, path) = file(FILE);
        for (key, word) in [
            ("turn.enabled", "maybe"),
            ("turn.enabledd", "true"),
            ("web.x", "1"),
        ] {
            let mut edit = Edit::open(&path).unwrap();
            edit.set(key, word).unwrap();
            assert!(matches!(edit.save(), Err(EditError::Wrong(_))), "{key}");
        }
        assert!(Edit::open(&path).unwrap().set("turn", "1").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
    }

    #[test]
    fn a_renamed_key_keeps_its_value_and_its_comment() {
        const RENAME: Rename = Rename {
            from: "turn.on",
            to: "turn.enabled",
        };
        let (_directory, path) = file("[turn]\n# Loud enough.\non = true\n");
        let mut edit = Edit::open(&path).unwrap();
        assert_eq!(edit.upgrade(&[RENAME]).unwrap(), [RENAME]);
        assert_eq!(edit.text(), "[turn]\n# Loud enough.\nenabled = true\n");
        assert_eq!(edit.upgrade(&[RENAME]).unwrap(), []);
        assert!(edit.save().unwrap());
    }

    #[test]
    fn a_new_file_is_made_for_everybody_to_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("privcomm/config.toml");
        let mut edit = Edit::open(&path).unwrap();
        edit.set("turn.enabled", "true").unwrap();
        assert!(edit.save().unwrap());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            MODE
        );
    }
}
