//! A file that is served: what it is, and the forms in which it goes out.

use bytes::Bytes;

use super::coding::Coding;

/// A file that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Where.
    pub path: String,
    /// Its media type.
    pub kind: &'static str,
    /// SHA-256 of its bytes, in hex.
    pub digest: String,
    pub(super) bytes: Bytes,
    pub(super) gzip: Option<Bytes>,
    pub(super) brotli: Option<Bytes>,
    /// Whether it runs by itself: a document or a worker, to which a policy applies.
    pub is_page: bool,
}

/// A file as it goes out to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// How its bytes are packed.
    pub coding: Coding,
    /// A strong tag: it differs wherever the bytes do (RFC 9110 §8.8.3).
    pub tag: String,
    /// The bytes, packed.
    pub bytes: Bytes,
}

impl Asset {
    /// Its length in bytes, unpacked.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Its length in bytes as `coding` packs it; none where it isn't packed like that.
    pub fn packed_length(&self, coding: Coding) -> Option<usize> {
        self.packed(coding).map(Bytes::len)
    }

    /// The smallest form that whoever sent `accept`, the value of `Accept-Encoding`, understands.
    pub fn form(&self, accept: &str) -> Form {
        let coding = Coding::choose(accept, |coding| self.packed(coding).is_some());
        let bytes = self.packed(coding).unwrap_or(&self.bytes).clone();
        let tag = match coding {
            Coding::Identity => format!("\"{}\"", self.digest),
            Coding::Gzip | Coding::Brotli => format!("\"{}-{}\"", self.digest, coding.name()),
        };
        Form { coding, tag, bytes }
    }

    const fn packed(&self, coding: Coding) -> Option<&Bytes> {
        match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => Some(&self.bytes),
        }
    }
}
