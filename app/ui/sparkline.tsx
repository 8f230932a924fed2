/** A small chart that draws itself when its series grows: no render, no layout. */
import { useEffect, useRef } from 'react';

export interface SparklineProps {
  subscribe: (listener: () => void) => () => void;
  values: () => readonly number[];
  /** The value at the top edge; grows with what is larger. */
  top: number;
  color: string;
  label: string;
  className?: string;
  /** How many values fill the width. */
  span?: number;
}

export function Sparkline({ subscribe, values, top, color, label, className = 'spark', span = 60 }: SparklineProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current!;
    let frame = 0;
    const paint = (): void => {
      frame = 0;
      draw(element, values().slice(-span), { top, color, span });
    };
    const paintSoon = (): void => {
      frame ||= requestAnimationFrame(paint);
    };
    const resize = new ResizeObserver(paintSoon);
    resize.observe(element);
    const theme = new MutationObserver(paintSoon);
    theme.observe(document.documentElement, { attributeFilter: ['data-theme', 'data-contrast'] });
    const unsubscribe = subscribe(paintSoon);
    paintSoon();
    return () => {
      cancelAnimationFrame(frame);
      resize.disconnect();
      theme.disconnect();
      unsubscribe();
    };
  }, [subscribe, values, top, color, span]);
  return <canvas ref={canvas} className={className} role="img" aria-label={label} />;
}

function draw(canvas: HTMLCanvasElement, values: readonly number[], { top, color, span }: { top: number; color: string; span: number }): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  if (width === 0 || height === 0) return;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext('2d')!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  if (values.length < 2) return;
  const highest = Math.max(top, ...values);
  const step = width / (span - 1);
  const x = (index: number): number => width - (values.length - 1 - index) * step;
  const y = (value: number): number => height - 1.5 - (value / highest) * (height - 3);
  const line = new Path2D();
  values.forEach((value, index) => (index === 0 ? line.moveTo(x(0), y(value)) : line.lineTo(x(index), y(value))));
  const area = new Path2D(line);
  area.lineTo(width, height);
  area.lineTo(x(0), height);
  const stroke = getComputedStyle(canvas).getPropertyValue(color);
  context.strokeStyle = stroke;
  context.fillStyle = stroke;
  context.globalAlpha = 0.14;
  context.fill(area); // oxlint-disable-line unicorn/no-array-fill-with-reference-type -- a canvas, not a list
  context.globalAlpha = 1;
  context.lineWidth = 1.4;
  context.lineJoin = 'round';
  context.stroke(line);
}
