package vdb

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// Options are what a database is opened with. A value is a number, a bool, a value of the option's enum such as [MetricCosine], or a
// text as in a configuration file: "cosine", "32", "off".
type Options map[Option]any

// OptionInfo describes an option.
type OptionInfo struct {
	ID   Option
	Type OptionType
	// Schema is true when the option is fixed by the creation of a database.
	Schema bool
	// Name is what configuration files call it, e.g. "hnsw.m".
	Name string
	// Help is one sentence.
	Help string
	// Values are those of an enum as "l2sq=1 ip=2".
	Values string
	// Of a text Min and Max are those of its length in bytes.
	Default, Min, Max float64
}

var optionTable = sync.OnceValues(func() ([]OptionInfo, error) {
	var table []OptionInfo
	for i := 0; ; i++ {
		info := cOptionInfo{structSize: uint32(unsafe.Sizeof(cOptionInfo{}))}
		e := newError()
		status := vdbOptionAt(i, &info, &e)
		if status < 0 {
			return nil, e.public()
		}
		if status == StatusDone {
			return table, nil
		}
		table = append(table, OptionInfo{
			ID: Option(info.id), Type: OptionType(info.valueType),
			Schema: OptionFlag(info.flags)&OptionFlagSchema != 0,
			Name:   staticText(info.name), Help: staticText(info.help), Values: staticText(info.values),
			Default: info.defaultValue, Min: info.minValue, Max: info.maxValue,
		})
	}
})

// OptionTable returns all options of the library, in its order.
func OptionTable() ([]OptionInfo, error) {
	table, err := optionTable()
	return slices.Clone(table), err
}

// Info describes the option.
func (o Option) Info() (OptionInfo, error) {
	table, err := optionTable()
	if err != nil {
		return OptionInfo{}, err
	}
	for _, info := range table {
		if info.ID == o {
			return info, nil
		}
	}
	return OptionInfo{}, invalid(ErrUnknownOption, "option %d is not known to this library", uint32(o))
}

// String returns the name that configuration files have for the option, e.g. "hnsw.m".
func (o Option) String() string {
	info, err := o.Info()
	if err != nil {
		return fmt.Sprintf("Option(%d)", uint32(o))
	}
	return info.Name
}

// staticText reads a text that lives as long as the library.
func staticText(at unsafe.Pointer) string {
	if at == nil {
		return ""
	}
	length := 0
	for *(*byte)(unsafe.Add(at, length)) != 0 {
		length++
	}
	return string(unsafe.Slice((*byte)(at), length))
}

// pathText returns a path as C wants it.
func pathText(path string) ([]byte, error) {
	if path == "" {
		return nil, invalid(ErrInvalidArgument, "the path is empty")
	}
	return terminated("path", path)
}

// terminated returns a text as C wants it.
func terminated(what, text string) ([]byte, error) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, invalid(ErrInvalidArgument, "%s %q has a NUL byte in it", what, text)
	}
	return append([]byte(text), 0), nil
}

// native makes the set of options in the library; the caller frees it. 0 stands for none.
func (o Options) native() (uintptr, error) {
	if len(o) == 0 {
		return 0, nil
	}
	var set uintptr
	e := newError()
	if vdbOptionsNew(&set, &e) < 0 {
		return 0, e.public()
	}
	// In the order of their numbers, so that of several errors it is always the same that is told.
	ids := make([]Option, 0, len(o))
	for id := range o {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := setOption(set, id, o[id]); err != nil {
			vdbOptionsFree(set)
			return 0, err
		}
	}
	return set, nil
}

func setOption(set uintptr, id Option, value any) error {
	info, err := id.Info()
	if err != nil {
		return err
	}
	e := newError()
	v := reflect.ValueOf(value)
	_, named := value.(fmt.Stringer)
	switch {
	// By its name a value of an enum does not pass for one of another enum, nor a bool or a duration for a number.
	case v.Kind() == reflect.String, v.Kind() == reflect.Bool, named:
		return setText(set, info.Name, fmt.Sprint(value))
	case v.CanFloat() && info.Type == OptionTypeF64:
		return e.check(vdbOptionsSetF64(set, uint32(id), v.Float(), &e))
	case info.Type == OptionTypeText, v.CanFloat():
		return invalid(ErrInvalidArgument, "%s is %v of type %T: %s is needed", info.Name, value, value, needed[info.Type])
	case v.CanInt() && v.Int() < 0:
		return invalid(ErrOutOfRange, "%s is %d: at least %v is needed", info.Name, v.Int(), info.Min)
	case v.CanInt():
		return setWhole(set, info, uint64(v.Int()))
	case v.CanUint():
		return setWhole(set, info, v.Uint())
	}
	return invalid(ErrInvalidArgument, "%s is a %T: %s is needed", info.Name, value, needed[info.Type])
}

var needed = map[OptionType]string{
	OptionTypeU64: "a whole number", OptionTypeF64: "a number", OptionTypeText: "a text", OptionTypeEnum: "a value of its type, or the text of one",
}

func setText(set uintptr, option, value string) error {
	name, err := terminated("option", option)
	if err != nil {
		return err
	}
	text, err := terminated("value of "+option, value)
	if err != nil {
		return err
	}
	e := newError()
	return e.check(vdbOptionsSetText(set, &name[0], &text[0], &e))
}

// setWhole sets a whole number, also where the option is a fraction: 1 for 1.0.
func setWhole(set uintptr, info OptionInfo, value uint64) error {
	e := newError()
	if info.Type == OptionTypeF64 {
		return e.check(vdbOptionsSetF64(set, uint32(info.ID), float64(value), &e))
	}
	return e.check(vdbOptionsSetU64(set, uint32(info.ID), value, &e))
}

// ParseOptions makes options out of names and texts, as configuration files, command lines and
// environments have them: {"schema.dim": "384", "schema.metric": "cosine"}.
func ParseOptions(settings map[string]string) (Options, error) {
	table, err := optionTable()
	if err != nil {
		return nil, err
	}
	options := make(Options, len(settings))
	for name, value := range settings {
		at := slices.IndexFunc(table, func(info OptionInfo) bool { return info.Name == name })
		if at < 0 {
			return nil, unknownName(name, value)
		}
		options[table[at].ID] = value
	}
	return options, nil
}

// unknownName is the library's word on a name that it does not know: it has the closest ones.
func unknownName(name, value string) error {
	var set uintptr
	e := newError()
	if vdbOptionsNew(&set, &e) < 0 {
		return e.public()
	}
	defer vdbOptionsFree(set)
	if err := setText(set, name, value); err != nil {
		return err
	}
	return invalid(ErrUnknownOption, "option %q is known to the library by another name only", name)
}

var readers = map[OptionType]string{
	OptionTypeU64: "Uint64Option", OptionTypeF64: "Float64Option", OptionTypeText: "TextOption", OptionTypeEnum: "Uint64Option",
}

// readBy says whether a method is the one for the type of the option.
func (o Option) readBy(method string) error {
	info, err := o.Info()
	if err == nil && readers[info.Type] != method {
		err = invalid(ErrInvalidArgument, "%s is an option that %s reads, not %s", info.Name, readers[info.Type], method)
	}
	return err
}

// Uint64Option returns the value in force of an option that is a whole number, a switch or an enum.
func (db *DB) Uint64Option(option Option) (uint64, error) {
	if err := option.readBy("Uint64Option"); err != nil {
		return 0, err
	}
	var value uint64
	e := newError()
	err := e.check(vdbOptionGetU64(db.handle, uint32(option), &value, &e))
	runtime.KeepAlive(db)
	return value, err
}

// Float64Option returns the value in force of an option that is a fraction.
func (db *DB) Float64Option(option Option) (float64, error) {
	if err := option.readBy("Float64Option"); err != nil {
		return math.NaN(), err
	}
	value := math.NaN()
	e := newError()
	err := e.check(vdbOptionGetF64(db.handle, uint32(option), &value, &e))
	runtime.KeepAlive(db)
	return value, err
}

// TextOption returns the value in force of any option as a text that [Options] take: of a text that text, else a number or
// the name of a value.
func (db *DB) TextOption(option Option) (string, error) {
	text, err := report(256, func(buf *byte, cap int, length *uint64, e *cError) Status {
		return vdbOptionGetText(db.handle, uint32(option), buf, cap, length, e)
	})
	runtime.KeepAlive(db)
	if err != nil {
		return "", err
	}
	return string(text), nil
}
