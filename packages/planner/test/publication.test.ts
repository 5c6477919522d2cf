import type { Cause } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { digest, id, image, inEngine, publication, Scene } from './scene.ts';

function published(tags: readonly string[] = ['latest', '14.1']): Scene {
  return new Scene(image('env'), publication('pub', 'env', { tags })).built();
}

function causes(scene: Scene): readonly Cause[] {
  return (
    scene
      .planned()
      .plan.actions.at(-1)
      ?.reasons.map(({ cause }) => cause) ?? []
  );
}

describe('publications', () => {
  it('are kept while all tags show the image of the entry', () => {
    expect(published().lines()).toEqual([]);
  });

  it('publish what was never published', () => {
    const scene = published().see('pub');
    scene.entries.delete(id('pub'));
    expect(scene.lines()).toEqual(['publish pub: NEVER_BUILT pub']);
  });

  it('publish again when a tag is gone', () => {
    expect(published().see('pub').lines()).toEqual(['publish pub: OUTPUT_MISSING pub']);
  });

  it('publish again when a tag was moved, and name it', () => {
    const scene = published().seeOther('pub', digest('moved'));
    expect(causes(scene)).toEqual([
      { code: 'TAG_MOVED', tag: 'latest', from: scene.identity('env'), to: digest('moved') },
    ]);
    scene.movedTags.set(id('pub'), '14.1');
    expect(causes(scene)).toMatchObject([{ code: 'TAG_MOVED', tag: '14.1' }]);
  });

  it('without tags need the candidate alone', () => {
    const scene = published([]);
    expect(scene.lines()).toEqual([]);
    expect(scene.seeOther('pub', digest('moved')).lines()).toEqual(['publish pub: OUTPUT_MISSING pub']);
  });

  it('publish for changed inputs, such as another set of tags', () => {
    const scene = published().change('pub', { tags: 'latest,14.2' }).see('pub');
    expect(scene.lines()).toEqual(['publish pub: INPUT_CHANGED pub; OUTPUT_MISSING pub']);
  });

  it('publish a newer image, and do not call a tag moved that shows what was published', () => {
    const scene = published().enter('env', digest('newer')).seeOther('env', digest('newer'));
    expect(scene.lines()).toEqual(['publish pub: PARENT_CHANGED env > pub']);
    scene.seeOther('pub', digest('moved'));
    expect(scene.lines()).toEqual(['publish pub: PARENT_CHANGED env > pub; TAG_MOVED pub']);
  });

  it('are adopted when the tags show the image already', () => {
    const scene = published().enter('env', digest('newer')).seeOther('pub', digest('newer'));
    expect(scene.lines()).toEqual(['adopt pub: PARENT_CHANGED env > pub']);
    scene.entries.delete(id('pub'));
    expect(scene.lines()).toEqual(['adopt pub: NEVER_BUILT pub']);
  });

  it('publish unconditionally instead of being adopted when the image may change', () => {
    const scene = published().change('env', { text: '2' });
    scene.entries.delete(id('pub'));
    expect(scene.lines()).toEqual(['build env: INPUT_CHANGED env', 'publish pub: NEVER_BUILT pub']);
  });

  it('publish unconditionally when a tag was moved and the image may change, too', () => {
    const scene = published().change('env', { text: '2' }).seeOther('pub', digest('moved'));
    expect(scene.lines()[1]).toBe('publish pub: TAG_MOVED pub');
  });

  it('publish if an image without an entry comes out different', () => {
    const scene = published();
    scene.entries.delete(id('env'));
    expect(scene.lines()).toEqual(['build env: NEVER_BUILT env', 'publish pub if env: PARENT_MAY_CHANGE env > pub']);
  });

  it('publish what the entry itself contradicts', () => {
    const scene = published().enter('pub', digest('odd')).seeOther('pub', digest('odd'));
    expect(scene.lines()).toEqual(['publish pub: OUTPUT_MISSING pub']);
  });

  it('publish an adopted image with its identity', () => {
    const scene = published().change('env', { text: '2' });
    scene.candidate('env', digest('found'), [], inEngine('env'));
    expect(scene.lines()).toEqual(['adopt env: INPUT_CHANGED env', 'publish pub: PARENT_CHANGED env > pub']);
  });

  it('that are new leave the others alone', () => {
    const scene = published().declare(publication('pub/2', 'env'));
    expect(scene.lines()).toEqual(['publish pub/2: NEVER_BUILT pub/2']);
  });
});
