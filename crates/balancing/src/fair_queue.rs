use std::collections::VecDeque;

use gateway_domain::ApiKeyId;

/// What every line gains in a round, in tokens; the smallest request costs as much.
const QUANTUM: u64 = 4_000;
/// What the largest request costs: what is scarce are places, and a large request takes one as a small one does.
const DEAREST: u64 = 8 * QUANTUM;

/// Things that wait, in a line for each key.
///
/// The lines take turns by what their first ones cost, so a key with many or large requests waits for itself and not
/// before the others.
///
/// Source: deficit round robin (Shreedhar and Varghese, 1995), with the rounds until the next turn reckoned at once.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    lines: VecDeque<Line<T>>,
    newest: u64,
    len: usize,
}

#[derive(Debug)]
struct Line<T> {
    key: ApiKeyId,
    deficit: u64,
    entries: VecDeque<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    cost: u64,
    item: T,
}

/// What becomes of a thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// It can be served now.
    Ready,
    /// It has to go on waiting.
    Waits,
    /// There is nothing that it could wait for any more.
    Hopeless,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            newest: 0,
            len: 0,
        }
    }
}

impl<T> FairQueue<T> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Puts `item` at the end of its key's line, and says under which number it stands there.
    pub(crate) fn push(&mut self, key: ApiKeyId, cost: u64, item: T) -> u64 {
        self.newest += 1;
        self.len += 1;
        let entry = Entry {
            number: self.newest,
            cost: cost.clamp(QUANTUM, DEAREST),
            item,
        };
        match self.lines.iter_mut().find(|line| line.key == key) {
            Some(line) => line.entries.push_back(entry),
            None => self.lines.push_back(Line {
                key,
                deficit: 0,
                entries: VecDeque::from([entry]),
            }),
        }
        self.newest
    }

    /// Takes the item of this number out, if it still waits.
    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        let is_it = |entry: &Entry<T>| entry.number == number;
        let find = |(line, waiting): (usize, &Line<T>)| Some((line, waiting.entries.iter().position(is_it)?));
        let (line, place) = self.lines.iter().enumerate().find_map(find)?;
        self.take(line, place)
    }

    /// Takes out the item whose turn it is among those that are ready, or one that is hopeless, and says which.
    pub(crate) fn next(&mut self, mut look: impl FnMut(&T) -> Look) -> Option<(T, Look)> {
        // Of each line its first one that is ready: where it stands, and how many rounds it is away.
        let mut ready: Vec<(usize, usize, u64)> = Vec::new();
        let mut hopeless = None;
        for (line, waiting) in self.lines.iter().enumerate() {
            for (place, entry) in waiting.entries.iter().enumerate() {
                match look(&entry.item) {
                    Look::Waits => continue,
                    Look::Hopeless => hopeless = hopeless.or(Some((line, place))),
                    Look::Ready => {
                        let rounds = entry.cost.saturating_sub(waiting.deficit).div_ceil(QUANTUM);
                        ready.push((line, place, rounds));
                        break;
                    }
                }
            }
        }
        if let Some((line, place)) = hopeless {
            return self.take(line, place).map(|item| (item, Look::Hopeless));
        }
        let (line, place, rounds) = *ready.iter().min_by_key(|(_, _, rounds)| *rounds)?;
        for (line, ..) in &ready {
            self.lines[*line].deficit += rounds.saturating_mul(QUANTUM);
        }
        let cost = self.lines[line].entries[place].cost;
        self.lines[line].deficit = self.lines[line].deficit.saturating_sub(cost);
        let item = self.take_and_go_back(line, place)?;
        Some((item, Look::Ready))
    }

    fn take(&mut self, line: usize, place: usize) -> Option<T> {
        let entry = self.lines[line].entries.remove(place)?;
        if self.lines[line].entries.is_empty() {
            self.lines.remove(line);
        }
        self.len -= 1;
        Some(entry.item)
    }

    /// Takes an item out; its line then stands behind the others.
    fn take_and_go_back(&mut self, line: usize, place: usize) -> Option<T> {
        let lines = self.lines.len();
        let item = self.take(line, place)?;
        if self.lines.len() == lines
            && let Some(served) = self.lines.remove(line)
        {
            self.lines.push_back(served);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use gateway_domain::ApiKeyId;

    use super::{FairQueue, Look};

    fn drain(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.next(|_| Look::Ready))
            .map(|(item, _)| item)
            .collect()
    }

    #[test]
    fn a_heavy_key_does_not_starve_a_light_one() {
        let (heavy, light) = (ApiKeyId::random(), ApiKeyId::random());
        let mut queue = FairQueue::default();
        for _ in 0..6 {
            queue.push(heavy, 1_000, "heavy");
        }
        queue.push(light, 1_000, "light");
        queue.push(light, 1_000, "light");
        assert_eq!(
            drain(&mut queue),
            [
                "heavy", "light", "heavy", "light", "heavy", "heavy", "heavy", "heavy"
            ]
        );
    }

    #[test]
    fn large_requests_count_for_more_than_small_ones() {
        let (large, small) = (ApiKeyId::random(), ApiKeyId::random());
        let mut queue = FairQueue::default();
        for _ in 0..20 {
            queue.push(large, 1_000_000, "large");
            queue.push(small, 1, "small");
        }
        let first = drain(&mut queue);
        let large_ones = first[..18].iter().filter(|item| **item == "large").count();
        assert_eq!(large_ones, 2, "one for eight small ones: {first:?}");
    }

    #[test]
    fn what_is_not_ready_is_passed_over_and_what_is_hopeless_leaves() {
        let (one, other) = (ApiKeyId::random(), ApiKeyId::random());
        let mut queue = FairQueue::default();
        queue.push(one, 1, "full");
        let gone = queue.push(one, 1, "gone");
        queue.push(one, 1, "free");
        queue.push(other, 1, "dead");
        let look = |item: &&str| match *item {
            "full" => Look::Waits,
            "dead" => Look::Hopeless,
            _ => Look::Ready,
        };
        assert_eq!(queue.remove(gone), Some("gone"));
        assert_eq!(queue.remove(gone), None);
        assert_eq!(queue.next(look), Some(("dead", Look::Hopeless)));
        assert_eq!(queue.next(look), Some(("free", Look::Ready)));
        assert_eq!(queue.next(look), None);
        assert_eq!(queue.len(), 1);
    }
}
