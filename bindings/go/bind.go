package vdb

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"unicode/utf8"
)

// Bind makes a filter with values for the parameters: the first stands for $1. Values are texts of UTF-8, numbers and bools; after
// in also slices of these, of which a nil one is empty. [json.RawMessage] goes as it is. Times are numbers in metadata:
// [time.Time.UnixMilli]. Any number of filters can be made out of one.
func (f *Filter) Bind(values ...any) (*Filter, error) {
	plain := make([]any, len(values))
	for i, value := range values {
		var wrong string
		if plain[i], wrong = parameter(value); wrong != "" {
			return nil, invalid(ErrInvalidArgument, "the value of $%d is %s", i+1, wrong)
		}
	}
	list, err := json.Marshal(plain)
	if err != nil {
		return nil, invalid(ErrInvalidArgument, "the values of a filter: %v", err)
	}
	var handle uintptr
	e := newError()
	status := vdbFilterBind(f.number(), &list[0], len(list), &handle, &e)
	runtime.KeepAlive(f)
	if status < 0 {
		return nil, e.public()
	}
	return newFilter(handle), nil
}

// parameter is a value as JSON can have it: encoding/json would change some silently. Or it says what is wrong.
func parameter(value any) (any, string) {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return scalarParameter(value)
	}
	if raw, is := value.(json.RawMessage); is {
		return raw, ""
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return nil, fmt.Sprintf("a %T: a text is a string", value)
	}
	list := make([]any, v.Len())
	for i := range list {
		var wrong string
		if list[i], wrong = scalarParameter(v.Index(i).Interface()); wrong != "" {
			return nil, fmt.Sprintf("a list with %s", wrong)
		}
	}
	return list, ""
}

func scalarParameter(value any) (any, string) {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.String && !utf8.ValidString(v.String()):
		return nil, fmt.Sprintf("%q, which is not UTF-8", v.String())
	case v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)):
		return nil, fmt.Sprintf("%v: a number is finite", value)
	case v.Kind() == reflect.String, v.Kind() == reflect.Bool, v.CanInt(), v.CanUint(), v.CanFloat():
		return value, ""
	}
	return nil, fmt.Sprintf("a %T: a text, a number or a bool is needed, or after in a list of these; a time is its UnixMilli", value)
}
