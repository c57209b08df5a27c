%% @private Protobuf, as far as a watch needs it, by the tables of hatd_schema.
%%
%% A message is a map of the fields that are set. Numbers of 64 bits, booleans, texts and maps are
%% Erlang's; an enum is its number.
-module(hatd_pb).

-export([encode/2, decode/2]).

-define(VARINT, 0).
-define(FIXED64, 1).
-define(BYTES, 2).
-define(FIXED32, 5).

-spec encode(atom(), map()) -> iodata().
encode(Type, Message) ->
    [[field(Number, Kind, Value) || Value <- values(Many, maps:get(Name, Message))]
     || {Number, {Name, Kind, Many}} <- maps:to_list(hatd_schema:fields(Type)),
        is_map_key(Name, Message)].

values(many, Values) -> Values;
values(one, Value) -> [Value].

field(Number, {message, Type}, Value) -> delimited(Number, encode(Type, Value));
field(Number, string, Value) -> delimited(Number, Value);
field(Number, bool, true) -> [varint(Number bsl 3 bor ?VARINT), 1];
field(Number, bool, false) -> [varint(Number bsl 3 bor ?VARINT), 0];
field(Number, _Integer, Value) -> [varint(Number bsl 3 bor ?VARINT), varint(Value)].

delimited(Number, Bytes) ->
    [varint(Number bsl 3 bor ?BYTES), varint(iolist_size(Bytes)), Bytes].

varint(Value) when Value < 0 -> varint(Value + (1 bsl 64));
varint(Value) when Value < 128 -> [Value];
varint(Value) -> [Value band 127 bor 128 | varint(Value bsr 7)].

%% Fields that the tables do not know are passed over: a newer hatd may send them.
-spec decode(atom(), binary()) -> {ok, map()} | {error, malformed}.
decode(Type, Bytes) ->
    try
        {ok, message(Type, Bytes)}
    catch
        throw:malformed -> {error, malformed}
    end.

message(Type, Bytes) ->
    Fields = hatd_schema:fields(Type),
    maps:map(fun(_Name, {many, Values}) -> lists:reverse(Values);
                (_Name, Value) -> Value
             end, message(Fields, Bytes, #{})).

message(_Fields, <<>>, Message) ->
    Message;
message(Fields, Bytes, Message) ->
    {Key, Rest} = take_varint(Bytes),
    {Raw, Rest1} = raw(Key band 7, Rest),
    case Fields of
        #{Key bsr 3 := {Name, Kind, Many}} ->
            message(Fields, Rest1, put_field(Name, Kind, Many, Raw, Message));
        #{} ->
            message(Fields, Rest1, Message)
    end.

put_field(Name, {map, KeyKind, ValueKind}, one, {bytes, Entry}, Message) ->
    Fields = #{1 => {key, KeyKind, one}, 2 => {value, ValueKind, one}},
    Pair = message(Fields, Entry, #{}),
    Key = maps:get(key, Pair, default(KeyKind)),
    Value = maps:get(value, Pair, default(ValueKind)),
    Map = maps:get(Name, Message, #{}),
    Message#{Name => Map#{Key => Value}};
put_field(Name, Kind, many, {bytes, Packed}, Message) when Kind =/= string, not is_tuple(Kind) ->
    put_packed(Name, Kind, Packed, Message);
put_field(Name, Kind, many, Raw, Message) ->
    {many, Values} = maps:get(Name, Message, {many, []}),
    Message#{Name => {many, [value(Kind, Raw) | Values]}};
put_field(Name, Kind, one, Raw, Message) ->
    Message#{Name => value(Kind, Raw)}.

put_packed(_Name, _Kind, <<>>, Message) ->
    Message;
put_packed(Name, Kind, Packed, Message) ->
    {Value, Rest} = take_varint(Packed),
    put_packed(Name, Kind, Rest, put_field(Name, Kind, many, {varint, Value}, Message)).

value({message, Type}, {bytes, Bytes}) -> message(Type, Bytes);
%% Copied: a part of a large response would keep all of it in memory.
value(string, {bytes, Bytes}) -> binary:copy(Bytes);
value(bool, {varint, Value}) -> Value =/= 0;
value(double, {fixed64, <<Value:64/little-float>>}) -> Value;
value(int32, {varint, Value}) -> signed(Value);
value(int64, {varint, Value}) -> signed(Value);
value(uint64, {varint, Value}) -> Value;
value(uint32, {varint, Value}) -> Value;
value(enum, {varint, Value}) -> Value;
value(_Kind, _Raw) -> throw(malformed).

signed(Value) ->
    <<Signed:64/signed>> = <<Value:64>>,
    Signed.

default(string) -> <<>>;
default({message, _Type}) -> #{};
default(_Number) -> 0.

raw(?VARINT, Bytes) ->
    {Value, Rest} = take_varint(Bytes),
    {{varint, Value}, Rest};
raw(?FIXED64, <<Value:8/binary, Rest/binary>>) ->
    {{fixed64, Value}, Rest};
raw(?FIXED32, <<Value:4/binary, Rest/binary>>) ->
    {{fixed32, Value}, Rest};
raw(?BYTES, Bytes) ->
    {Size, Rest} = take_varint(Bytes),
    case Rest of
        <<Value:Size/binary, Rest1/binary>> -> {{bytes, Value}, Rest1};
        _ -> throw(malformed)
    end;
raw(_WireType, _Bytes) ->
    throw(malformed).

take_varint(Bytes) ->
    take_varint(Bytes, 0, 0).

take_varint(<<1:1, Part:7, Rest/binary>>, Shift, Value) when Shift < 63 ->
    take_varint(Rest, Shift + 7, Value bor (Part bsl Shift));
take_varint(<<0:1, Part:7, Rest/binary>>, Shift, Value) ->
    {(Value bor (Part bsl Shift)) band (1 bsl 64 - 1), Rest};
take_varint(_Bytes, _Shift, _Value) ->
    throw(malformed).
