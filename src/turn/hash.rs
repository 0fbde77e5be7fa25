//! A quick hash for tables that only members fill: one multiplication a word, keyed per process.

use std::hash::{BuildHasher, Hasher};

use crate::base::random;

/// Odd, with bits spread evenly.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// A key drawn at random.
#[derive(Debug, Clone)]
pub(crate) struct Keyed(u64);

impl Default for Keyed {
    fn default() -> Self {
        Self(u64::from_ne_bytes(random::draw()))
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding(self.0)
    }
}

/// Multiplies every word in, and folds the halves of the product.
#[derive(Debug)]
pub(crate) struct Folding(u64);

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_ne_bytes(word));
        }
    }

    fn write_u16(&mut self, word: u16) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word).rotate_left(23);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(u64::try_from(word).unwrap_or(u64::MAX));
    }

    fn write_isize(&mut self, word: isize) {
        self.write_usize(word.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        fold(self.0)
    }
}

fn fold(word: u64) -> u64 {
    let product = u128::from(word) * u128::from(SPREAD);
    let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
    u64::try_from(low ^ high).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn addresses_that_differ_little_are_spread_over_the_whole_hash() {
        let keyed = Keyed::default();
        let hashes: Vec<u64> = (0..4096_u16)
            .map(|low| keyed.hash_one(SocketAddr::from(([192, 0, 2, 1], 40_000 + low))))
            .collect();
        for shift in [0, 52] {
            let buckets: HashSet<u64> = hashes.iter().map(|hash| hash >> shift & 0xFFF).collect();
            assert!(buckets.len() > 2000, "{} of 4096", buckets.len());
        }
    }
}
