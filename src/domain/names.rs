//! Names as numbers, and the order of names in which `t9` comes before `t10`.

use std::cmp::Ordering;
use std::collections::HashMap;

/// Names in order of first appearance, each with its number.
#[derive(Debug, Default, Clone)]
pub struct Names {
    numbers: HashMap<Box<str>, u32>,
    /// The names, at their numbers.
    pub list: Vec<Box<str>>,
}

impl Names {
    /// The number of a name, a new one where it is unknown.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.list.len() as u32;
        self.numbers.insert(name.into(), number);
        self.list.push(name.into());
        number
    }

    /// The number of a known name.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// For each name its place among all, sorted (`t9` before `t10`): a numbering that no order of rows can change.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.list.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| natural(&self.list[a as usize], &self.list[b as usize]));
        let mut ranks = vec![0; order.len()];
        order.iter().enumerate().for_each(|(rank, &name)| ranks[name as usize] = rank as u32);
        ranks
    }
}

/// Compares names with runs of digits as numbers; names that are equal so, by their bytes.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    while let (Some(&p), Some(&q)) = (x.first(), y.first()) {
        let order = if p.is_ascii_digit() && q.is_ascii_digit() {
            let (m, n) = (take_digits(&mut x), take_digits(&mut y));
            m.len().cmp(&n.len()).then(m.cmp(n))
        } else {
            (x, y) = (&x[1..], &y[1..]);
            p.cmp(&q)
        };
        if order.is_ne() {
            return order;
        }
    }
    x.len().cmp(&y.len()).then_with(|| a.cmp(b))
}

/// Takes a run of digits off the front, leading zeros dropped.
fn take_digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (run, rest) = text.split_at(end);
    *text = rest;
    let zeros = run.iter().take_while(|&&c| c == b'0').count();
    &run[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_sort_as_numbers_and_no_two_names_are_equal() {
        let mut sorted = vec!["t10", "t9", "t09", "a", "t", "t9b", "t9a", "10", "9"];
        sorted.sort_by(|a, b| natural(a, b));
        assert_eq!(sorted, ["9", "10", "a", "t", "t09", "t9", "t9a", "t9b", "t10"]);
    }

    #[test]
    fn ranks_do_not_depend_on_the_order_of_appearance() {
        let rank = |names: &[&str], name: &str| {
            let mut all = Names::default();
            for name in names {
                all.number(name);
            }
            all.ranks()[all.get(name).unwrap() as usize]
        };
        assert_eq!((rank(&["w2", "w10", "w1"], "w10"), rank(&["w10", "w1", "w2"], "w10")), (2, 2));
    }
}
