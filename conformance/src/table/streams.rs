//! What becomes of the bytes, and what backends say of themselves.

#[doc(hidden)]
#[macro_export]
macro_rules! __streams_behaviours {
    ($callback:ident { $($before:tt)* }) => {
        $crate::$callback! {
            $($before)*
            transfer {
                nothing_at_all:
                    "0 bytes in each direction, and the end";
                one_byte:
                    "1 byte in each direction";
                a_full_record:
                    "16 KiB in each direction";
                one_byte_more_than_a_record:
                    "16 KiB + 1 in each direction";
                seventeen_megabytes:
                    "17 MiB in each direction";
                both_directions_at_once_on_two_tasks:
                    "both directions at once, halves on two tasks";
                both_directions_at_once_through_tokios_split:
                    "both directions at once, through tokio::io::split";
                halves_become_a_stream_again:
                    "two halves become a stream again";
                vectored_writes:
                    "vectored writes, with empty and long slices";
                an_empty_write_sends_nothing:
                    "an empty write sends nothing, an empty read takes nothing";
                many_small_writes_and_reads:
                    "ping-pong, and a record read byte by byte";
                one_byte_at_a_time:
                    "a byte stream that moves one byte at a time";
                random_fragments:
                    "a byte stream that moves fragments of random length";
                a_pipe_that_holds_one_byte:
                    "a byte stream that holds one byte";
                wake_ups_for_nothing:
                    "a byte stream that wakes for nothing";
                back_pressure_reaches_the_writer:
                    "a writer whose peer does not read comes to wait, having taken little";
                data_may_follow_the_handshake_at_once:
                    "both sides write as soon as their handshake is done";
                futures_streams_carry_it_too:
                    "futures' I/O traits carry it too";
                sockets_carry_it_too:
                    "loopback sockets carry it too";
            }
            halves {
                both_directions_flow_at_once_on_threads:
                    "16 MiB in each direction at once, halves on two threads";
                keys_are_renewed_while_both_directions_flow:
                    "halves renew keys while data flows in both directions";
                a_reading_half_tells_of_a_corrupt_record:
                    "a reading half tells of a corrupt record while the writing half does nothing";
                a_corrupt_record_is_told_while_the_other_half_writes:
                    "a corrupt record is told while the other half writes, and ends that too";
                a_half_goes_on_when_the_other_is_dropped:
                    "a half goes on when the other is dropped, which sends nothing";
                halves_that_have_carried_data_become_a_stream_again:
                    "halves become a stream again in the middle of a record";
            }
            shared_bytes {
                pieces_go_in_and_come_out:
                    "Bytes go in as pieces and come out whole, over any byte stream";
                what_was_read_stays_as_it_was:
                    "Bytes that were read stay as they were, whatever is read next";
                bytes_and_slices_take_turns:
                    "Bytes and slices take turns, in and out";
                futures_traits_have_bytes_too:
                    "Bytes go in and come out over futures' I/O traits";
                a_cut_is_an_error_here_too:
                    "a cut is UnexpectedEof for who reads Bytes, after what came before it";
            }
            early_data {
                early_data_reaches_the_server_once:
                    "early data of a resumed connection is delivered, once";
                reads_never_see_it:
                    "early data is never read from the stream";
                as_much_is_taken_as_the_server_allows:
                    "as much early data is taken as the server allows";
                more_than_the_server_allows_is_not_offered:
                    "more early data than the server allows is not offered";
                it_is_not_offered_without_a_session:
                    "early data is not offered without a session";
                it_is_not_offered_to_a_server_that_takes_none:
                    "early data is not offered to a server that takes none";
                it_is_not_offered_in_tls12:
                    "early data is not offered in TLS 1.2";
                without_being_given_none_is_sent:
                    "a client that is given no early data sends none";
                a_client_must_allow_it_before_it_is_given:
                    "early data that the configuration does not allow is an error";
                a_server_that_cannot_resume_passes_over_it:
                    "a server that cannot resume passes over early data, and the client learns of it";
                a_replay_is_not_accepted:
                    "the same first flight again is not accepted";
            }
            key_updates {
                a_client_renews_its_keys:
                    "a client renews its keys, with and without asking its peer";
                a_server_renews_its_keys:
                    "a server renews its keys, with and without asking its peer";
                both_may_renew_their_keys_at_once:
                    "both sides renew their keys at once";
                the_peer_renews_its_keys_where_it_is_asked_to:
                    "the peer renews its keys exactly where it is asked to";
                an_update_goes_out_with_a_flush:
                    "a key update goes out with a flush";
                keys_are_renewed_in_the_midst_of_data:
                    "keys are renewed in the midst of data in both directions";
                tls12_has_no_key_update:
                    "in TLS 1.2 a key update is Invalid, and the connection goes on";
            }
            bindings {
                both_sides_export_the_same:
                    "both sides export the same key material";
                labels_and_contexts_tell_exports_apart:
                    "another label or context exports other material";
                an_empty_context_is_none_in_tls13_only:
                    "an empty context is the same as none in TLS 1.3, and not in TLS 1.2";
                every_connection_exports_its_own:
                    "every connection exports its own material, resumed or not";
                an_export_of_no_length_or_too_much_is_invalid:
                    "an export of no bytes or too many is Invalid, and the connection goes on";
                key_updates_leave_exports_as_they_are:
                    "renewed keys leave exports as they are";
                tls_exporter_is_the_same_on_both_sides:
                    "tls-exporter is the same on both sides, and another on each connection";
                tls_exporter_is_invalid_in_tls12:
                    "tls-exporter is Invalid in TLS 1.2";
                tls_server_end_point_is_the_hash_of_the_certificate:
                    "tls-server-end-point is the certificate's hash on both sides, by its signature's hash";
                tls_server_end_point_is_undefined_without_a_hash:
                    "tls-server-end-point is Invalid for an Ed25519 signature";
            }
            close {
                the_client_closes_first:
                    "the client closes first, then the server";
                the_server_closes_first:
                    "the server closes first, then the client";
                both_close_at_once:
                    "both close at once";
                what_was_written_before_closing_arrives:
                    "what was written before closing arrives before the end";
                closing_ends_one_direction_only:
                    "after one side has closed, the other may go on writing";
                writing_after_closing_is_an_error:
                    "a write after closing is an error";
                closing_twice_sends_one_close_notify:
                    "closing twice sends one close_notify";
                the_end_stays_the_end:
                    "after the end every read is at the end";
                a_cut_between_records_is_an_error:
                    "a byte stream that ends without close_notify is UnexpectedEof";
                a_cut_within_a_record_is_an_error:
                    "a byte stream that ends within a record is UnexpectedEof";
                data_before_a_cut_is_delivered:
                    "data before a cut is delivered";
                an_answer_is_read_though_the_request_cannot_be_finished:
                    "an answer is read though the request can no longer be written";
                a_handshake_that_is_cut_is_an_error_on_both_sides:
                    "a handshake that is cut anywhere is UnexpectedEof";
                a_failed_handshake_gives_the_byte_stream_back:
                    "a failed handshake gives the byte stream back";
            }
            cancellation {
                a_cancelled_write_doubles_nothing:
                    "writes cancelled at every await lose and double nothing";
                a_cancelled_flush_loses_nothing:
                    "flushes cancelled at every await lose nothing";
                a_cancelled_read_loses_nothing:
                    "reads cancelled at every await lose nothing";
                everything_cancelled_again_and_again_still_arrives:
                    "writes, flushes, reads and closes cancelled together lose and double nothing";
                a_client_cancelled_at_any_await_ends_the_server:
                    "a client's handshake cancelled at any await ends the server's with an error";
                a_server_cancelled_at_any_await_ends_the_client:
                    "a server's handshake cancelled at any await ends the client's with an error";
            }
            faults {
                a_flip_anywhere_in_a_handshake:
                    "a bit flipped at each offset of a handshake: no panic, no hang, no wrong data";
                a_byte_lost_anywhere_in_a_handshake:
                    "a byte dropped at each offset of a handshake: no panic, no hang, no wrong data";
                a_byte_doubled_anywhere_in_a_handshake:
                    "a byte doubled at each offset of a handshake: no panic, no hang, no wrong data";
                a_flip_anywhere_in_a_resumed_handshake:
                    "a bit flipped at each offset of a resumed handshake: no panic, no hang, no wrong data";
                a_flip_anywhere_in_the_first_records:
                    "a bit flipped at each offset of the first records: no data from there on";
                a_byte_lost_anywhere_in_the_first_records:
                    "a byte dropped at each offset of the first records: no data from there on";
                a_byte_doubled_anywhere_in_the_first_records:
                    "a byte doubled at each offset of the first records: no data from there on";
                a_corrupt_record_is_told_to_its_sender:
                    "a corrupt record is BadRecord, and its sender is told by bad_record_mac";
                a_record_that_comes_twice_is_refused:
                    "a record that comes twice ends the data";
                a_record_that_is_missing_is_noticed:
                    "a record that is missing ends the data";
                records_that_change_places_are_refused:
                    "records that change places end the data";
                a_record_sent_back_to_its_sender_is_refused:
                    "a record sent back to its sender is refused";
            }
            strangers {
                plaintext_http_at_a_server:
                    "plaintext HTTP at a server is an error at once";
                a_plaintext_answer_at_a_client:
                    "a plaintext answer at a client is an error at once";
                garbage_at_a_server:
                    "garbage at a server is an error";
                garbage_at_a_client:
                    "garbage at a client is an error";
                silence_is_waited_for_without_spinning:
                    "a silent peer is waited for without spinning";
                an_endless_handshake_message_is_refused:
                    "a hello that claims 16 MiB is refused before a megabyte has come";
                an_alert_instead_of_a_hello_is_reported:
                    "an alert instead of a hello is reported as the alert it is";
                a_byte_stream_that_fails_is_an_io_error:
                    "a byte stream that fails is an Io error with its kind";
            }
            limits {
                a_silent_server_is_left_at_the_time_limit:
                    "a client leaves a silent server at its time limit";
                a_silent_client_is_left_at_the_time_limit:
                    "a server leaves a silent client at its time limit";
                a_peer_that_drips_gains_no_time:
                    "a peer that sends a byte a second gains no time";
                ten_seconds_are_the_limit_unless_set:
                    "the limit is ten seconds unless set";
                the_limit_ends_with_the_handshake:
                    "the limit does not touch an established connection";
                without_a_limit_a_handshake_waits:
                    "without a limit a handshake waits";
                futures_streams_have_the_limit_too:
                    "futures' streams have the limit too";
            }
            capabilities {
                a_client_takes_what_it_declares_and_refuses_the_rest:
                    "as a client, every option is taken if declared, else Unsupported";
                a_server_takes_what_it_declares_and_refuses_the_rest:
                    "as a server, every option is taken if declared, else Unsupported";
                what_makes_no_sense_anywhere_is_invalid:
                    "what makes no sense anywhere is Invalid, and the option is named";
                what_is_declared_makes_sense:
                    "what is declared fits together";
                a_verifier_alone_is_given_or_refused_as_declared:
                    "a verifier on its own is given if declared, else Unsupported";
                record_ciphers_are_given_or_refused_as_declared:
                    "a record cipher is given if declared, else Unsupported";
                record_ciphers_of_both_understand_each_other:
                    "both backends' record ciphers understand each other and notice every change";
                backends_side_by_side_do_not_disturb_each_other:
                    "both backends in both roles at once in one process";
            }
        }
    };
}
