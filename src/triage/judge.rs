//! Signs → ranked causes. Explicit rules: what speaks for, what against, what is only the consequence of another.

use super::rules::Rules;
use super::sign::{Sign, Signs};
use crate::model::{Cause, Certainty};
use std::collections::BTreeMap;

/// A cause with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked<'s> {
    /// The cause.
    pub cause: Cause,
    /// The sum of its signs, less what others explain.
    pub score: i32,
    /// How sure that makes it.
    pub certainty: Certainty,
    /// The signs for it, the strongest first.
    pub signs: Vec<&'s Sign>,
}

/// Below this a cause is a guess, and the text says too little.
const LEAST: i32 = 4;
/// Causes that say "nothing else explains it" count this much less where something else does.
const LAST_RESORT: i32 = 3;
/// Causes shown besides the first must be at least this share of it, in percent.
const SHARE: i32 = 35;
/// Most causes shown.
const MOST: usize = 5;

/// Ranks the causes. Pasted text is hearsay: nothing is more than likely.
pub fn rank<'s>(signs: &'s Signs, rules: &Rules) -> Vec<Ranked<'s>> {
    let mut scores: BTreeMap<Cause, i32> = BTreeMap::new();
    for sign in signs.iter() {
        for (cause, weight) in &sign.marks {
            *scores.entry(*cause).or_default() += weight;
        }
    }
    let before = scores.clone();
    for rule in rules.explains() {
        let shown = before.get(&rule.root).copied().unwrap_or(0);
        if shown < rule.from {
            continue;
        }
        for (cause, less) in &rule.takes {
            // A consequence cannot be explained away by something that is weaker than itself.
            if let Some(score) =
                scores.get_mut(cause).filter(|_| before.get(cause).is_none_or(|theirs| *theirs <= shown))
            {
                *score -= less;
            }
        }
    }
    for last_resort in [Cause::GatewayNotRunning, Cause::NewDevice, Cause::KnownBug] {
        let other = scores.iter().filter(|(cause, _)| **cause != last_resort).map(|(_, score)| *score).max();
        if let (Some(score), true) = (scores.get_mut(&last_resort), other.is_some_and(|other| other > LEAST)) {
            *score -= LAST_RESORT;
        }
    }
    let mut ranked: Vec<Ranked<'s>> = scores
        .into_iter()
        .filter(|(_, score)| *score >= LEAST)
        .map(|(cause, score)| {
            let mut for_it: Vec<(&Sign, i32)> = signs
                .iter()
                .filter_map(|sign| {
                    let weight: i32 = sign.marks.iter().filter(|(of, _)| *of == cause).map(|(_, weight)| weight).sum();
                    (weight > 0).then_some((sign, weight))
                })
                .collect();
            for_it.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
            let strongest = for_it.first().map_or(0, |(_, weight)| *weight);
            let likely = score >= 8 && (strongest >= 8 || for_it.len() >= 2);
            Ranked {
                cause,
                score,
                certainty: if likely { Certainty::Likely } else { Certainty::Possible },
                signs: for_it.into_iter().map(|(sign, _)| sign).collect(),
            }
        })
        .collect();
    ranked.sort_by_key(|ranked| (std::cmp::Reverse(ranked.score), ranked.cause));
    let top = ranked.first().map_or(0, |ranked| ranked.score);
    ranked.retain(|ranked| ranked.score * 100 >= top * SHARE);
    ranked.truncate(MOST);
    ranked
}
