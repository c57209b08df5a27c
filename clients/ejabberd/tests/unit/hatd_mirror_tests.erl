-module(hatd_mirror_tests).

-include_lib("eunit/include/eunit.hrl").

-define(DOMAIN, <<"chat">>).
-define(ROOM, <<"den@chat">>).
-define(BOB, <<"bob@home">>).

hats_are_shown_by_position_then_id_test() ->
    Mirror = snapshot([definition(<<"urn:b">>, #{position => 2}), definition(<<"urn:c">>, #{position => -1})],
                      [document(#{<<"urn:a">> => worn(<<>>), <<"urn:b">> => worn(<<>>),
                                  <<"urn:c">> => worn(<<>>), <<"urn:d">> => #{title => <<"D">>}})]),
    ?assertEqual([<<"urn:c">>, <<"urn:b">>, <<"urn:a">>], [Hat || {Hat, _, _} <- shown(Mirror, <<"en">>)]).

a_title_is_never_empty_test() ->
    Titles = #{title => <<"Teacher">>, titles => #{<<"de">> => <<"Lehrerin">>}, hue => 12.5},
    Document = document(#{<<"urn:a">> => worn(<<>>), <<"urn:b">> => worn(<<"Own">>), <<"urn:c">> => worn(<<>>)}),
    Mirror = snapshot([definition(<<"urn:a">>, Titles), definition(<<"urn:b">>, Titles)], [Document]),
    ?assertEqual([{<<"urn:a">>, <<"Lehrerin">>, 12.5}, {<<"urn:b">>, <<"Own">>, 12.5},
                  {<<"urn:c">>, <<"urn:c">>, none}],
                 shown(Mirror, <<"de-AT">>)),
    ?assertEqual({<<"urn:a">>, <<"Teacher">>, 12.5}, hd(shown(Mirror, <<"fr">>))),
    Room = #{room_jid => ?ROOM, hat_policy => 2},
    hatd_mirror:apply(Mirror, ?DOMAIN, changes(#{room_jid => ?ROOM, room => Room})),
    ?assertMatch([_, {<<"urn:b">>, <<"Lehrerin">>, _}, _], shown(Mirror, <<"DE-x-y">>)).

only_what_is_different_is_told_test() ->
    Mirror = hatd_mirror:new(),
    Give = changes(#{room_jid => ?ROOM, users => [#{user_hats => document(#{<<"urn:a">> => worn(<<>>)})}]}),
    ?assertEqual(#{?ROOM => #{?BOB => true}}, hatd_mirror:apply(Mirror, ?DOMAIN, Give)),
    ?assertEqual(#{}, hatd_mirror:apply(Mirror, ?DOMAIN, Give)),
    Define = changes(#{room_jid => ?ROOM, definitions => [maps:get(definition, definition(<<"urn:a">>, #{}))]}),
    ?assertEqual(#{?ROOM => all}, hatd_mirror:apply(Mirror, ?DOMAIN, Define)),
    Delete = changes(#{room_jid => ?ROOM, room_deleted => true}),
    ?assertEqual(#{?ROOM => all}, hatd_mirror:apply(Mirror, ?DOMAIN, Delete)),
    ?assertEqual([], shown(Mirror, <<"en">>)).

what_a_snapshot_lacks_goes_when_it_is_complete_test() ->
    Mirror = snapshot([definition(<<"urn:a">>, #{title => <<"A">>})], [document(#{<<"urn:a">> => worn(<<>>)})]),
    Other = (document(#{<<"urn:a">> => worn(<<>>)}))#{room_jid := <<"den@other">>},
    hatd_mirror:apply(Mirror, <<"other">>, changes(#{room_jid => <<"den@other">>, users => [#{user_hats => Other}]})),

    ?assertEqual(#{}, hatd_mirror:apply(Mirror, ?DOMAIN, {reset, #{}})),
    ?assertEqual(#{}, hatd_mirror:apply(Mirror, ?DOMAIN, {snapshot, #{}})),
    ?assertEqual([{<<"urn:a">>, <<"A">>, none}], shown(Mirror, <<"en">>)),
    Complete = {snapshot, #{definitions => [definition(<<"urn:a">>, #{title => <<"A">>})], complete => true}},
    ?assertEqual(#{?ROOM => #{?BOB => true}}, hatd_mirror:apply(Mirror, ?DOMAIN, Complete)),
    ?assertEqual([], shown(Mirror, <<"en">>)),
    ?assertMatch([_], hatd_mirror:hats(Mirror, <<"den@other">>, ?BOB, <<"en">>)).

snapshot(Definitions, Users) ->
    Mirror = hatd_mirror:new(),
    hatd_mirror:apply(Mirror, ?DOMAIN, {reset, #{}}),
    hatd_mirror:apply(Mirror, ?DOMAIN, {snapshot, #{definitions => Definitions, users => Users, complete => true}}),
    Mirror.

changes(Commit) -> {changes, #{commits => [Commit]}}.

definition(Hat, Fields) -> #{room_jid => ?ROOM, definition => Fields#{hat_id => Hat}}.

document(Hats) -> #{room_jid => ?ROOM, user_jid => ?BOB, hats => Hats}.

worn(Title) -> #{active => true, title => Title}.

shown(Mirror, Language) -> hatd_mirror:hats(Mirror, ?ROOM, ?BOB, Language).
