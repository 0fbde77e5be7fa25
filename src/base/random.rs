//! Randomness: the operating system's generator only. Rooms below floor 3 are given their bytes.

/// `N` random bytes.
///
/// A kernel that refuses randomness leaves nothing safe to do, so that is the one panic here.
pub fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness no answer is safe")]
    getrandom::fill(&mut bytes).expect("the operating system's generator answers");
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        assert_ne!(super::draw::<16>(), super::draw::<16>());
    }
}
