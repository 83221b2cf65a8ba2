use std::ops::Range;

use super::Edits;

/// Takes items out of a list or an object, each with the comma that would be one too many.
///
/// Every item is to be shown to it, in order.
#[derive(Default)]
pub(crate) struct Pruning {
    has_kept: bool,
    /// Where the last item ended.
    end: usize,
    /// Where those begin that go before any that stays.
    leading: Option<usize>,
}

impl Pruning {
    /// The next item stays.
    pub(crate) fn keep(&mut self, item: &Range<usize>, edits: &mut Edits) {
        if let Some(start) = self.leading.take() {
            edits.remove(start..item.start);
        }
        (self.has_kept, self.end) = (true, item.end);
    }

    /// The next item goes.
    pub(crate) fn remove(&mut self, item: &Range<usize>, edits: &mut Edits) {
        if self.has_kept {
            edits.remove(self.end..item.end);
        } else {
            self.leading.get_or_insert(item.start);
        }
        self.end = item.end;
    }

    /// There are no more items. Tells whether some went and none is left.
    pub(crate) fn finish(self, edits: &mut Edits) -> bool {
        if let Some(start) = self.leading {
            edits.remove(start..self.end);
        }
        self.leading.is_some()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::proptest;

    use super::Pruning;
    use crate::json::{Edits, Located};

    /// The list without the items of which `stays` says no, and whether it has become empty.
    fn prune(list: &str, stays: impl Fn(usize) -> bool) -> (Bytes, bool) {
        let list = Bytes::from(list.to_owned());
        let (mut edits, mut pruning) = (Edits::default(), Pruning::default());
        for (at, item) in Located::whole(&list).elements().enumerate() {
            if stays(at) {
                pruning.keep(&item.span(), &mut edits);
            } else {
                pruning.remove(&item.span(), &mut edits);
            }
        }
        let is_empty = pruning.finish(&mut edits);
        (edits.apply(&list), is_empty)
    }

    #[test]
    fn an_item_goes_with_one_comma() {
        let list = "[ 1 , 2,\n3 ]";
        assert_eq!(prune(list, |at| at != 0), ("[ 2,\n3 ]".into(), false));
        assert_eq!(prune(list, |at| at != 1), ("[ 1,\n3 ]".into(), false));
        assert_eq!(prune(list, |at| at != 2), ("[ 1 , 2 ]".into(), false));
        assert_eq!(prune(list, |at| at == 2), ("[ 3 ]".into(), false));
        assert_eq!(prune(list, |_| false), ("[  ]".into(), true));
        assert_eq!(prune("[]", |_| false), ("[]".into(), false));
    }

    proptest! {
        #[test]
        fn what_stays_is_the_list_of_the_rest(stays: Vec<bool>) {
            let list = serde_json::to_string(&(0..stays.len()).collect::<Vec<_>>()).unwrap();
            let (pruned, is_empty) = prune(&list, |at| stays[at]);
            let rest: Vec<usize> = (0..stays.len()).filter(|at| stays[*at]).collect();
            assert_eq!(serde_json::from_slice::<Vec<usize>>(&pruned).unwrap(), rest);
            assert_eq!(is_empty, rest.is_empty() && !stays.is_empty());
        }
    }
}
