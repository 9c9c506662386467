//! Which behaviours a group holds. A channel chooses the groups of its medium; `core` is for all.

/// Runs the chosen groups of the contract on a harness, one test for each behaviour.
#[macro_export]
macro_rules! channel_contract {
    ($harness:ty: $($group:ident),+ $(,)?) => {
        mod contract {
            use super::*;
            $crate::channel_contract!(@core $harness);
            $($crate::channel_contract!(@$group $harness);)+
        }
    };
    (@core $harness:ty) => { $crate::channel_contract!(@tests core $harness:
        the_probe_says_who_we_are,
        what_reaches_the_brand_arrives_once); };
    (@mentions $harness:ty) => { $crate::channel_contract!(@tests mentions $harness:
        a_mention_arrives_once_with_its_thread_lane_and_author,
        an_exchange_stays_in_one_thread); };
    (@public $harness:ty) => {
        $crate::channel_contract!(@mentions $harness);
        $crate::channel_contract!(@tests public $harness:
            a_hundred_people_under_one_brand_post_are_a_hundred_threads,
            a_reply_that_does_not_name_the_brand_arrives,
            the_post_above_a_mention_comes_along_as_context,
            a_pull_dropped_at_any_point_keeps_the_context,
            a_public_reply_can_be_pointed_at);
    };
    (@private $harness:ty) => { $crate::channel_contract!(@tests private $harness:
        a_direct_message_is_private_and_keeps_its_thread,
        a_private_reply_stays_private); };
    (@history $harness:ty) => { $crate::channel_contract!(@tests history $harness:
        the_first_pull_brings_history_and_says_so); };
    (@elsewhere $harness:ty) => { $crate::channel_contract!(@tests elsewhere $harness:
        what_the_brand_says_elsewhere_comes_as_outbound); };
    (@echo $harness:ty) => { $crate::channel_contract!(@tests echo $harness:
        what_we_sent_comes_back_as_the_same_message); };
    (@edits $harness:ty) => { $crate::channel_contract!(@tests edits $harness:
        an_edited_post_is_noticed); };
    (@deletes $harness:ty) => { $crate::channel_contract!(@tests deletes $harness:
        a_deleted_post_is_noticed); };
    (@paging $harness:ty) => { $crate::channel_contract!(@tests paging $harness:
        more_than_a_page_of_news_arrives_whole,
        a_pull_dropped_at_any_point_does_no_harm); };
    (@stream $harness:ty) => { $crate::channel_contract!(@tests stream $harness:
        a_stream_says_it_stands_and_brings_the_same_ids,
        a_cut_stream_ends_and_loses_nothing,
        a_stream_with_refused_credentials_says_so); };
    (@live_deletes $harness:ty) => { $crate::channel_contract!(@tests live_deletes $harness:
        a_stream_tells_what_is_deleted); };
    (@quarantine $harness:ty) => { $crate::channel_contract!(@tests quarantine $harness:
        an_unreadable_item_is_quarantined_and_its_neighbours_arrive,
        what_was_quarantined_is_read_again_alone,
        hostile_fields_never_fail_a_page); };
    (@http $harness:ty) => { $crate::channel_contract!(@tests http $harness:
        a_cursor_after_half_a_page_loses_nothing,
        every_refusal_has_its_class,
        a_platform_that_answers_nonsense_is_tried_again,
        a_hanging_platform_is_given_up,
        errors_never_tell_a_secret); };
    (@replies $harness:ty) => { $crate::channel_contract!(@tests replies $harness:
        a_reply_lands_where_it_was_asked); };
    (@quotes $harness:ty) => { $crate::channel_contract!(@tests quotes $harness:
        a_reply_names_the_message_it_answers); };
    (@reply_to_deleted $harness:ty) => { $crate::channel_contract!(@tests reply_to_deleted $harness:
        a_reply_to_a_deleted_post_is_refused_for_good); };
    (@idempotent $harness:ty) => { $crate::channel_contract!(@tests idempotent $harness:
        the_same_reply_twice_is_posted_once,
        a_reply_whose_answer_is_lost_is_not_doubled,
        a_reply_that_never_left_is_not_found,
        a_delivery_dropped_at_any_point_is_not_doubled); };
    (@lookup $harness:ty) => { $crate::channel_contract!(@tests lookup $harness:
        a_lost_answer_is_uncertain,
        a_reply_whose_answer_is_lost_is_not_doubled,
        a_reply_that_never_left_is_not_found); };
    (@ambiguous $harness:ty) => { $crate::channel_contract!(@tests ambiguous $harness:
        a_lost_answer_is_uncertain,
        what_is_uncertain_is_never_called_absent); };
    (@throttled $harness:ty) => { $crate::channel_contract!(@tests throttled $harness:
        a_limited_sender_waits); };
    (@limits $harness:ty) => { $crate::channel_contract!(@tests limits $harness:
        a_text_that_is_too_long_is_refused_whole); };
    (@likes $harness:ty) => { $crate::channel_contract!(@tests likes $harness:
        liking_twice_has_the_effect_of_once); };
    (@delete_own $harness:ty) => { $crate::channel_contract!(@tests delete_own $harness:
        our_own_message_can_be_deleted); };
    (@tests $group:ident $harness:ty: $($name:ident),+) => {
        mod $group {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                $crate::channels::contract::behaviours::$name::<$harness>().await;
            })+
        }
    };
}
