//! The random numbers of numpy's `default_rng`, so that the reference procedures draw the same labels.
//!
//! SeedSequence and PCG64 XSL-RR (O'Neill, 2014) as documented by numpy, with its 32-bit buffer and Lemire's bounded
//! integers (ACM TOMACS 29, 2019).

/// `numpy.random.default_rng(seed)`.
pub struct Rng {
    state: u128,
    step: u128,
    spare: Option<u32>,
}

impl Rng {
    /// Seeds from a small integer.
    pub fn new(seed: u32) -> Rng {
        let words = seed_words(seed);
        let wide = |at: usize| u128::from(words[at]) << 64 | u128::from(words[at + 1]);
        let mut rng = Rng { state: 0, step: wide(2) << 1 | 1, spare: None };
        rng.advance();
        rng.state = rng.state.wrapping_add(wide(0));
        rng.advance();
        rng
    }

    fn advance(&mut self) {
        const FACTOR: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(self.step);
    }

    fn next_u64(&mut self) -> u64 {
        self.advance();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let both = self.next_u64();
        self.spare = Some((both >> 32) as u32);
        both as u32
    }

    /// `random()`.
    pub fn float(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// An integer below `count`, as `integers(0, count)`.
    pub fn below(&mut self, count: usize) -> usize {
        let count = count as u32;
        if count <= 1 {
            return 0;
        }
        let mut product = u64::from(self.next_u32()) * u64::from(count);
        if (product as u32) < count {
            let threshold = (u32::MAX - (count - 1)) % count;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(count);
            }
        }
        (product >> 32) as usize
    }

    /// `permutation(count)`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..count).collect();
        self.shuffle(&mut all);
        all
    }

    fn shuffle(&mut self, all: &mut [usize]) {
        for at in (1..all.len()).rev() {
            let other = self.below(at + 1);
            all.swap(at, other);
        }
    }

    /// `choice(count, size, replace=False)` for populations up to 10,000 (Floyd's algorithm).
    pub fn choice(&mut self, count: usize, size: usize) -> Vec<usize> {
        let mut chosen: Vec<usize> = Vec::with_capacity(size);
        for last in count - size..count {
            let one = self.below(last + 1);
            chosen.push(if chosen.contains(&one) { last } else { one });
        }
        self.shuffle(&mut chosen);
        chosen
    }
}

fn seed_words(seed: u32) -> [u64; 4] {
    let mut factor = 0x43b0_d7e5u32;
    let mut hash = |value: u32| {
        let mut value = value ^ factor;
        factor = factor.wrapping_mul(0x931e_8875);
        value = value.wrapping_mul(factor);
        value ^ value >> 16
    };
    let mut pool = [hash(seed), hash(0), hash(0), hash(0)];
    for from in 0..4 {
        for to in (0..4).filter(|&to| to != from) {
            let mixed =
                0xca01_f9ddu32.wrapping_mul(pool[to]).wrapping_sub(0x4973_f715u32.wrapping_mul(hash(pool[from])));
            pool[to] = mixed ^ mixed >> 16;
        }
    }
    let mut factor = 0x8b51_f9ddu32;
    let words: Vec<u64> = (0..8)
        .map(|at| {
            let mut value = pool[at % 4] ^ factor;
            factor = factor.wrapping_mul(0x58f3_8ded);
            value = value.wrapping_mul(factor);
            u64::from(value ^ value >> 16)
        })
        .collect();
    [0, 2, 4, 6].map(|at| words[at] | words[at + 1] << 32)
}
