//! Which ports of the relay range are taken: by an allocation, a reservation or a quarantine.

use std::ops::RangeInclusive;

/// What a client wants of its port (RFC 8656 §7.2, EVEN-PORT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parity {
    /// Any port.
    Any,
    /// An even port.
    Even,
    /// An even port whose successor is free too, and is taken with it.
    Pair,
}

/// The relay range.
#[derive(Debug)]
pub(crate) struct Ports {
    range: RangeInclusive<u16>,
    taken: Vec<bool>,
}

impl Ports {
    pub(crate) fn new(range: RangeInclusive<u16>) -> Self {
        Self {
            taken: vec![false; range.len()],
            range,
        }
    }

    /// Takes a port, looking from a place that `random` points at. None: there is none to suit.
    pub(crate) fn take(&mut self, parity: Parity, random: u32) -> Option<u16> {
        let (before, after) = self.split(random);
        let port = after.chain(before).find(|port| self.suits(*port, parity))?;
        self.mark(port, true);
        if parity == Parity::Pair {
            self.mark(port + 1, true);
        }
        Some(port)
    }

    /// Gives a port back.
    pub(crate) fn free(&mut self, port: u16) {
        self.mark(port, false);
    }

    fn split(&self, random: u32) -> (RangeInclusive<u16>, RangeInclusive<u16>) {
        let (first, last) = (*self.range.start(), *self.range.end());
        let width = u32::from(last - first) + 1;
        let middle = first + u16::try_from(random % width).unwrap_or_default();
        (first..=middle, middle..=last)
    }

    fn suits(&self, port: u16, parity: Parity) -> bool {
        let is_free = |port: u16| self.index(port).is_some_and(|index| !self.taken[index]);
        match parity {
            Parity::Any => is_free(port),
            Parity::Even => port.is_multiple_of(2) && is_free(port),
            Parity::Pair => {
                port.is_multiple_of(2) && is_free(port) && port.checked_add(1).is_some_and(is_free)
            }
        }
    }

    fn mark(&mut self, port: u16, taken: bool) {
        if let Some(index) = self.index(port) {
            self.taken[index] = taken;
        }
    }

    fn index(&self, port: u16) -> Option<usize> {
        self.range
            .contains(&port)
            .then(|| usize::from(port - self.range.start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(ports: &mut Ports, parity: Parity) -> Vec<u16> {
        let mut taken: Vec<u16> = (0..100).map_while(|_| ports.take(parity, 7919)).collect();
        taken.sort_unstable();
        taken
    }

    #[test]
    fn every_port_is_found_once_and_again_when_freed() {
        let mut ports = Ports::new(65_530..=65_535);
        assert_eq!(
            drain(&mut ports, Parity::Any),
            (65_530..=65_535).collect::<Vec<_>>()
        );
        ports.free(65_532);
        assert_eq!(drain(&mut ports, Parity::Any), [65_532]);
    }

    #[test]
    fn only_odd_ports_left_is_an_answer_and_no_endless_search() {
        let mut ports = Ports::new(5001..=5005);
        assert_eq!(drain(&mut ports, Parity::Even), [5002, 5004]);
        assert_eq!(ports.take(Parity::Even, 3), None);
        assert_eq!(drain(&mut ports, Parity::Any), [5001, 5003, 5005]);
    }

    #[test]
    fn a_pair_takes_both() {
        let mut ports = Ports::new(5001..=5006);
        assert_eq!(drain(&mut ports, Parity::Pair), [5002, 5004]);
        assert_eq!(drain(&mut ports, Parity::Any), [5001, 5006]);
    }
}
