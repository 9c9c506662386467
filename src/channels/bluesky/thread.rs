//! Where a post stands: which thread it belongs to, whether it asks for an answer, what it answers.
//!
//! Promises: pure, and the same for a post wherever the walk over its thread began, because the desk keeps what it gets first:
//! a bystander's post is never taken for a question in one feed and for context in the other.
//! Must not: call anybody.

use std::collections::HashMap;

use super::convert::{self, Place};
use super::wire::{Node, PostView, did_of};
use crate::channels::{Message, above};
use crate::model::Direction;

/// More posts of one thread than anybody reads; the rest is a click away on the platform.
const MOST: usize = 300;

/// What is needed to judge the posts of a thread.
pub struct Judge<'a> {
    pub brand: &'a str,
    /// Posts that the platform told the brand about, and whether that was before Balie was there.
    pub notified: &'a HashMap<String, bool>,
    /// Posts sorted before this moment (epoch ms) are history, unless they were notified.
    pub history_before: i64,
}

#[derive(Clone, Default)]
struct Way<'a> {
    anchor: Option<String>,
    brand_above: bool,
    /// The brand's posts from the top, as long as nobody else has spoken.
    heads: Vec<&'a PostView>,
}

impl Judge<'_> {
    /// Every post of the tree with the thread it belongs to. Posts of the brand that nobody answered are left out.
    #[must_use]
    pub fn read(&self, tree: &Node) -> Vec<Message> {
        let Node::Post(focus) = tree else { return Vec::new() };
        let mut way = Way::default();
        if let Some(refs) = &focus.post.record.reply {
            // The start of the chain names the thread even when the start itself is deleted or out of reach.
            self.hole(&refs.root.uri, &mut way);
        }
        let mut ancestors = Vec::new();
        let mut at = focus.parent.as_ref();
        while let Some(node) = at {
            ancestors.push(node);
            at = match node {
                Node::Post(post) => post.parent.as_ref(),
                Node::NotFound { .. } | Node::Blocked { .. } => None,
            };
        }
        let mut out = Vec::new();
        for node in ancestors.into_iter().rev() {
            match node {
                Node::Post(post) => self.place(&post.post, &mut way, &mut out),
                Node::NotFound { uri } | Node::Blocked { uri } => self.hole(uri, &mut way),
            }
        }
        self.below(tree, way, &mut out);
        out
    }

    /// One post without its thread: it starts one, or its references are all there is.
    #[must_use]
    pub fn alone(&self, post: &PostView) -> Vec<Message> {
        let mut way = Way::default();
        if let Some(refs) = &post.record.reply {
            // The root first: when somebody else began, it names the thread whatever stands between.
            self.hole(&refs.root.uri, &mut way);
            self.hole(&refs.parent.uri, &mut way);
        }
        let mut out = Vec::new();
        self.place(post, &mut way, &mut out);
        out
    }

    fn below<'a>(&self, node: &'a Node, mut way: Way<'a>, out: &mut Vec<Message>) {
        let Node::Post(post) = node else { return };
        if out.len() >= MOST {
            return;
        }
        self.place(&post.post, &mut way, out);
        for reply in &post.replies {
            self.below(reply, way.clone(), out);
        }
    }

    fn hole(&self, uri: &str, way: &mut Way<'_>) {
        match did_of(uri) {
            "" => {}
            did if did == self.brand => way.brand_above = true,
            _ => {
                way.anchor.get_or_insert_with(|| uri.to_owned());
            }
        }
    }

    fn place<'a>(&self, post: &'a PostView, way: &mut Way<'a>, out: &mut Vec<Message>) {
        let own = post.author.did == self.brand;
        if own && way.anchor.is_none() {
            way.heads.push(post);
            way.brand_above = true;
            return;
        }
        let anchor = way.anchor.get_or_insert_with(|| post.uri.clone()).clone();
        let parent = post.record.reply.as_ref().map(|reply| reply.parent.uri.clone());
        let mut heading = None;
        for &head in &way.heads {
            // It was said to everybody and answers nobody: a copy that were the brand's turn would end the wait below it.
            let place = Place {
                anchor: anchor.clone(),
                direction: Direction::Context,
                reply_to: heading,
                history: true,
                head: true,
            };
            out.push(convert::post(head, self.brand, &place));
            heading = Some(above(&head.uri, &anchor));
        }
        let under_head = way.heads.iter().any(|head| Some(&head.uri) == parent.as_ref());
        way.heads.clear();
        let notified = self.notified.get(&post.uri);
        let hushed = post.author.viewer.muted || post.author.viewer.blocking.is_some();
        let direction = if own {
            Direction::Out
        } else if notified.is_some()
            || (!hushed
                && (way.brand_above || convert::mentions(post, self.brand) || convert::quotes(post, self.brand)))
        {
            Direction::In
        } else {
            Direction::Context
        };
        let place = Place {
            reply_to: if under_head { heading } else { parent },
            history: notified.copied().unwrap_or_else(|| self.is_history(post)),
            head: false,
            anchor,
            direction,
        };
        out.push(convert::post(post, self.brand, &place));
        way.brand_above |= own;
    }

    fn is_history(&self, post: &PostView) -> bool {
        convert::sorted(post).0 < self.history_before
    }
}
