package gpu

import (
	"fmt"

	"github.com/metalnb/metalnb/metalcore/ir"
)

// expressions of ops that are computed element by element, by the type of their
// first operand as a value: f for floats, i for ints, l for longs; each is a
// format of the operands, in parentheses where it needs some.
var expressions = map[string]struct{ f, i, l string }{
	"neg":       {"-%s", "i_neg(%s)", "l_neg(%s)"},
	"abs":       {"f_abs(%s)", "i_abs(%s)", "l_abs(%s)"},
	"sign":      {"f_sign(%s)", "i_sign(%s)", "l_sign(%s)"},
	"exp":       {f: "f_exp(%s)"},
	"log":       {f: "f_log(%s)"},
	"log1p":     {f: "f_log1p(%s)"},
	"expm1":     {f: "f_expm1(%s)"},
	"sqrt":      {f: "f_sqrt(%s)"},
	"rsqrt":     {f: "f_rsqrt(%s)"},
	"tanh":      {f: "f_tanh(%s)"},
	"sigmoid":   {f: "f_sigmoid(%s)"},
	"erf":       {f: "f_erf(%s)"},
	"sin":       {f: "f_sin(%s)"},
	"cos":       {f: "f_cos(%s)"},
	"atan":      {f: "f_atan(%s)"},
	"relu":      {"f_relu(%s)", "i_larger(%s, 0)", "l_larger(%s, 0)"},
	"floor":     {"f_floor(%s)", "%s", "%s"},
	"round":     {"f_rint(%s)", "%s", "%s"},
	"is_finite": {f: "(int)f_isfinite(%s)"},
	"broadcast": {"%s", "%s", "%s"},
	"add":       {"%s + %s", "i_add(%s, %s)", "l_add(%s, %s)"},
	"sub":       {"%s - %s", "i_sub(%s, %s)", "l_sub(%s, %s)"},
	"mul":       {"%s * %s", "i_mul(%s, %s)", "l_mul(%s, %s)"},
	"div":       {"%s / %s", "i_div(%s, %s)", "l_div(%s, %s)"},
	"pow":       {f: "f_pow(%s, %s)"},
	"max":       {"f_larger(%s, %s)", "i_larger(%s, %s)", "l_larger(%s, %s)"},
	"min":       {"f_smaller(%s, %s)", "i_smaller(%s, %s)", "l_smaller(%s, %s)"},
	"eq":        {"(int)(%s == %s)", "(int)(%s == %s)", "(int)(%s == %s)"},
	"lt":        {"(int)(%s < %s)", "(int)(%s < %s)", "(int)(%s < %s)"},
	"le":        {"(int)(%s <= %s)", "(int)(%s <= %s)", "(int)(%s <= %s)"},
}

// exact ops give numbers of the type of their operands, which need no rounding.
var exact = map[string]bool{"neg": true, "abs": true, "sign": true, "relu": true, "floor": true, "round": true,
	"broadcast": true, "max": true, "min": true, "eq": true, "lt": true, "le": true, "is_finite": true}

// expression computes one element of a value whose op is elementwise, given an
// element of each operand as a value: names, or numbers. It is rounded to the
// value's type.
func expression(v *ir.Value, in []string) (string, error) {
	switch v.Op {
	case "cast":
		return castExpression(v.In[0].DType, v.DType, in[0]), nil
	case "select":
		return fmt.Sprintf("%s != 0 ? %s : %s", in[0], in[1], in[2]), nil
	}
	forms, ok := expressions[v.Op]
	form := forms.i
	switch valueType(v.In[0].DType) {
	case "float":
		form = forms.f
	case "long":
		form = forms.l
	}
	if !ok || form == "" {
		return "", fmt.Errorf("there is no kernel for it on %s", v.In[0].DType)
	}
	args := make([]any, len(in))
	for i := range in {
		args[i] = in[i]
	}
	x := fmt.Sprintf(form, args...)
	if exact[v.Op] && !(v.DType == ir.U8 && v.Op == "neg") {
		return x, nil
	}
	return rounded(v.DType, x), nil
}

// castExpression is a value of one type as one of another.
func castExpression(from, to ir.DType, x string) string {
	a := valueType(from)
	switch {
	case to == ir.Bool:
		return "(int)(" + x + " != 0)"
	case from == to || to == ir.I32 && a == "int" || to == ir.U8 && from == ir.Bool:
		return x
	case to.Float() && a == "float":
		return rounded(to, x)
	case to.Float():
		return rounded(to, "(float)"+x)
	case to == ir.I64 && a == "int":
		return "(long)" + x
	}
	return map[string]string{"float": "f_", "int": "i_", "long": "l_"}[a] + map[ir.DType]string{ir.I32: "int", ir.I64: "long", ir.U8: "u8"}[to] + "(" + x + ")"
}
