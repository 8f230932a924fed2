/** Fields of forms, each with its label, its explanation and what is wrong with it. */
import { Check, ChevronDown, Search, X, type LucideIcon } from 'lucide-react';
import type { ReactNode, Ref } from 'react';
import {
  Button, Checkbox as AriaCheckbox, FieldError, Input, Label, ListBox, ListBoxItem, Popover, Radio, RadioGroup, SearchField as AriaSearchField, Select as AriaSelect, SelectValue, Switch as AriaSwitch, Text,
  TextField as AriaTextField, type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components';

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'children'> {
  label: string;
  description?: string | undefined;
  error?: string | undefined;
  placeholder?: string | undefined;
  isMono?: boolean;
}

export function TextField({ label, description, error, placeholder, isMono = false, ...props }: TextFieldProps) {
  return (
    <AriaTextField {...props} className="field" isInvalid={error !== undefined}>
      <Label className="field-label">{label}</Label>
      <Input className={`input${isMono ? ' mono' : ''}`} placeholder={placeholder ?? ''} spellCheck={false} autoComplete="off" />
      {description !== undefined && error === undefined && (
        <Text slot="description" className="field-note">
          {description}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </AriaTextField>
  );
}

export function SearchField({ label, value, onChange, inputRef, clearLabel }: { label: string; value: string; onChange: (value: string) => void; inputRef?: Ref<HTMLInputElement>; clearLabel: string }) {
  return (
    <AriaSearchField className="search" aria-label={label} value={value} onChange={onChange}>
      <Search size={14} aria-hidden />
      <Input className="search-input" placeholder={label} ref={inputRef} spellCheck={false} />
      <Button className="search-clear" aria-label={clearLabel}>
        <X size={13} aria-hidden />
      </Button>
    </AriaSearchField>
  );
}

export interface Option<V extends string> {
  value: V;
  label: string;
  detail?: ReactNode;
  isDisabled?: boolean;
  /** Stands in for the label, which becomes its name. */
  icon?: LucideIcon;
}

/** A few options side by side, one of them chosen. */
export function Segments<V extends string>({ label, isLabelHidden = false, value, options, onChange }: { label: string; isLabelHidden?: boolean; value: V; options: readonly Option<V>[]; onChange: (value: V) => void }) {
  return (
    <RadioGroup className="field" value={value} onChange={(next) => onChange(next as V)} orientation="horizontal" {...(isLabelHidden ? { 'aria-label': label } : {})}>
      {!isLabelHidden && <Label className="field-label">{label}</Label>}
      <div className="segments">
        {options.map(({ value: id, label: name, icon: Icon, isDisabled = false }) => (
          <Radio key={id} value={id} className="segment" isDisabled={isDisabled} {...(Icon ? { 'aria-label': name } : {})}>
            {Icon ? <Icon size={15} aria-hidden /> : name}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}

/** Options with a line of explanation each. */
export function Cards<V extends string>({ label, value, options, onChange, columns = 1 }: { label: string; value: V; options: readonly Option<V>[]; onChange: (value: V) => void; columns?: number }) {
  return (
    <RadioGroup className="field" value={value} onChange={(next) => onChange(next as V)}>
      <Label className="field-label">{label}</Label>
      <div className="choices" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
        {options.map((option) => (
          <Radio key={option.value} value={option.value} className="choice" isDisabled={option.isDisabled ?? false}>
            <span className="choice-dot" aria-hidden />
            <span className="stack" style={{ gap: 2 }}>
              <span className="strong truncate">{option.label}</span>
              {option.detail !== undefined && <span className="quiet small">{option.detail}</span>}
            </span>
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}

export function Select<V extends string>({ label, value, options, onChange, isLabelHidden = false }: { label: string; value: V; options: readonly Option<V>[]; onChange: (value: V) => void; isLabelHidden?: boolean }) {
  return (
    <AriaSelect className="field" aria-label={label} selectedKey={value} onSelectionChange={(key) => onChange(key as V)} disabledKeys={options.filter(({ isDisabled }) => isDisabled).map((option) => option.value)}>
      {!isLabelHidden && <Label className="field-label">{label}</Label>}
      <Button className="select">
        <SelectValue className="truncate" />
        <ChevronDown size={14} aria-hidden />
      </Button>
      <Popover className="popover select-popover" offset={4}>
        <ListBox className="menu" items={options}>
          {(option) => (
            <ListBoxItem id={option.value} textValue={option.label} className="menu-item">
              {({ isSelected }) => (
                <>
                  <span className="menu-check">{isSelected && <Check size={14} aria-hidden />}</span>
                  <span className="grow truncate">{option.label}</span>
                  {option.detail !== undefined && <span className="quiet small">{option.detail}</span>}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

export function Checkbox({ children, isSelected, onChange }: { children: ReactNode; isSelected: boolean; onChange: (isSelected: boolean) => void }) {
  return (
    <AriaCheckbox className="checkbox" isSelected={isSelected} onChange={onChange}>
      <span className="checkbox-box" aria-hidden>
        <Check size={12} strokeWidth={3} />
      </span>
      {children}
    </AriaCheckbox>
  );
}

export function Switch({ label, description, isSelected, onChange, isDisabled = false }: { label: string; description?: string | undefined; isSelected: boolean; onChange: (isSelected: boolean) => void; isDisabled?: boolean }) {
  return (
    <AriaSwitch className="switch" isSelected={isSelected} onChange={onChange} isDisabled={isDisabled}>
      <span className="stack grow" style={{ gap: 2 }}>
        <span>{label}</span>
        {description !== undefined && <span className="quiet small">{description}</span>}
      </span>
      <span className="switch-track" aria-hidden>
        <span className="switch-thumb" />
      </span>
    </AriaSwitch>
  );
}
