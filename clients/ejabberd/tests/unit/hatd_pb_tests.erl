-module(hatd_pb_tests).

-include_lib("eunit/include/eunit.hrl").

-define(REQUEST, 'hatd.v1.WatchHatsRequest').
-define(RESPONSE, 'hatd.v1.WatchHatsResponse').

what_is_encoded_comes_back_test() ->
    Message = #{selectors => [#{room_domain => <<"a.example">>}, #{user_jid => <<"bob@b">>}],
                resume_token => <<"token">>,
                on_expired => 1,
                heartbeat_interval => #{seconds => 300}},
    ?assertEqual({ok, Message}, hatd_pb:decode(?REQUEST, bytes(?REQUEST, Message))).

negative_numbers_maps_and_doubles_are_read_test() ->
    Duration = #{seconds => -1},
    Bytes = bytes('google.protobuf.Duration', Duration),
    ?assertEqual({ok, Duration}, hatd_pb:decode('google.protobuf.Duration', Bytes)),
    %% titles: {"de": "Lehrerin"}, hue: 140.25
    Definition = <<16#1a, 14, 16#0a, 2, "de", 16#12, 8, "Lehrerin", 16#21, 140.25:64/little-float>>,
    ?assertEqual({ok, #{titles => #{<<"de">> => <<"Lehrerin">>}, hue => 140.25}},
                 hatd_pb:decode('hatd.v1.HatDefinition', Definition)).

unknown_fields_are_passed_over_test() ->
    Unknown = <<16#f8, 16#7f, 1, 16#fa, 16#7f, 2, "ab", 16#f9, 16#7f, 0:64, 16#fd, 16#7f, 0:32>>,
    Known = bytes(?RESPONSE, #{token => <<"t">>}),
    ?assertEqual({ok, #{token => <<"t">>}}, hatd_pb:decode(?RESPONSE, <<Unknown/binary, Known/binary>>)).

no_bytes_are_fatal_test() ->
    Whole = bytes(?REQUEST, #{selectors => [#{room_domain => <<"a.example">>}], resume_token => <<"t">>}),
    [begin
         Cut = binary:part(Whole, 0, Size),
         case hatd_pb:decode(?REQUEST, Cut) of
             {ok, #{}} -> ok;
             {error, malformed} -> ok
         end
     end || Size <- lists:seq(0, byte_size(Whole) - 1)],
    ?assertEqual({error, malformed}, hatd_pb:decode(?REQUEST, <<16#0a, 200, 1>>)),
    ?assertEqual({error, malformed}, hatd_pb:decode(?REQUEST, binary:copy(<<255>>, 12))),
    ?assertEqual({error, malformed}, hatd_pb:decode(?REQUEST, <<16#0b>>)).

bytes(Type, Message) ->
    iolist_to_binary(hatd_pb:encode(Type, Message)).
