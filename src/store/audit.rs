//! What operators did: an append-only table of bounded length. No contents, and of members no more
//! than the beginning of an id.

use std::borrow::Cow;

use redb::{ReadableTable, ReadableTableMetadata};

use crate::base::Timestamp;

use super::error::{RecordError, StoreError};
use super::handle::Store;
use super::record::{Fields, Record, write_option, write_text};
use super::tables::{AUDIT, Tables, later_table};

/// Deeds kept. Beyond it the oldest is forgotten.
pub const MOST_DEEDS: u64 = 10_000;

/// Something that an operator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// The user id of the process that asked, as the system told it. None: it didn't.
    pub by: Option<u32>,
    /// What, in the words of the command: `user suspend`.
    pub action: Cow<'static, str>,
    /// To whom or what: the beginning of an id.
    pub subject: Option<String>,
    /// What else there is to say of it: options, or the operator's own reason.
    pub note: Option<String>,
}

/// A deed with its number, which rises and is never used twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDeed {
    /// The number.
    pub seq: u64,
    /// What was done.
    pub deed: Deed,
}

impl Record for Deed {
    const NAME: &'static str = "deed";
    const VERSION: u8 = 1;

    fn write(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(&self.at.as_millis().to_be_bytes());
        write_option(record, self.by.map(u32::to_be_bytes));
        write_text(record, Some(self.action.as_ref()));
        write_text(record, self.subject.as_deref());
        write_text(record, self.note.as_deref());
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            at: fields.timestamp()?,
            by: fields.option("user")?.map(u32::from_be_bytes),
            action: fields.text("action")?.unwrap_or_default().into(),
            subject: fields.text("subject")?,
            note: fields.text("note")?,
        })
    }
}

impl Store {
    /// Notes a deed that changes nothing here.
    pub async fn note(&self, deed: Deed) -> Result<(), StoreError> {
        self.write(move |tables| append(tables, &deed)).await
    }

    /// The deeds since `since`, the oldest first; of more than `most`, the last.
    pub async fn deeds(
        &self,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<RecordedDeed>, StoreError> {
        self.read(move |snapshot| {
            let Some(audit) = later_table(snapshot.transaction(), AUDIT)? else {
                return Ok(Vec::new());
            };
            let mut deeds = Vec::new();
            for row in audit.iter()?.rev() {
                let (seq, record) = row?;
                let deed = Deed::decode(record.value())?;
                if deeds.len() == most {
                    break;
                }
                // A clock that was set back leaves later deeds with earlier times: none is skipped.
                if deed.at >= since {
                    deeds.push(RecordedDeed {
                        seq: seq.value(),
                        deed,
                    });
                }
            }
            deeds.reverse();
            Ok(deeds)
        })
        .await
    }
}

/// Adds a deed, and forgets the oldest beyond [`MOST_DEEDS`].
pub(super) fn append(tables: &mut Tables<'_>, deed: &Deed) -> Result<(), StoreError> {
    let last = tables.audit.last()?.map(|(seq, _)| seq.value());
    let seq = last.unwrap_or(0).saturating_add(1);
    tables.audit.insert(seq, deed.encode().as_slice())?;
    while tables.audit.len()? > MOST_DEEDS {
        tables.audit.pop_first()?;
    }
    Ok(())
}
